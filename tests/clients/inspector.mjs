// The Inspector's command line: node inspector.mjs SERVER_URL|COMMAND KIND
//
// KIND is the server: `fixture` or `notes`. The steps are taken once with the `initialize`
// handshake, once without a session, and once with whatever the Inspector negotiates by itself.
// Its command line cannot answer a server's questions, and says so to the server.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SESSIONLESS, SESSION_ORIENTED, check, server as named } from './steps.mjs';

const COMMAND_TIMEOUT_MS = 30_000;
const REVISIONS = { legacy: SESSION_ORIENTED, modern: SESSIONLESS, auto: SESSIONLESS };
const SERVERS = {
  fixture: {
    call: ['test_simple_text', {}, 'simple text'],
    refusal: ['test_elicitation', { message: 'Who are you?' }, {
      [SESSION_ORIENTED]: 'elicitation',
      [SESSIONLESS]: 'the request needs a capability that the client did not declare',
    }],
    resource: ['test://static-text', 'static text resource'],
    template: 'test://template/{id}/data',
    prompt: ['test_simple_prompt', 'simple prompt'],
  },
  notes: {
    call: ['search_notes', { query: 'milk' }, 'Groceries'],
    // The tool has words of its own for this, so they are the same in both eras.
    refusal: ['delete_note', { id: 1 }, {
      [SESSION_ORIENTED]: 'note 1 was not deleted',
      [SESSIONLESS]: 'note 1 was not deleted',
    }],
    resource: ['notes://1', 'Groceries'],
    template: 'notes://{id}',
    prompt: ['weekly_summary', 'plan for the week'],
  },
};

const { url, command, args } = named();
const server = SERVERS[process.argv[3]];
if (!server) {
  console.error(`usage: ${process.argv[1]} SERVER_URL|COMMAND ${Object.keys(SERVERS).join('|')}`);
  process.exit(2);
}

const launcher = join(import.meta.dirname, 'node_modules', '.bin', 'mcp-inspector');
// The Inspector keeps settings in the home directory; it gets one of its own.
const home = mkdtempSync(join(tmpdir(), 'inspector-home-'));
process.on('exit', () => rmSync(home, { recursive: true, force: true }));

function inspect(era, ...method) {
  const run = spawnSync(
    process.execPath,
    [
      launcher,
      '--cli',
      ...(url ? ['--transport', 'http', '--server-url', url.href] : ['--transport', 'stdio', command, ...args]),
      '--protocol-era', era,
      '--stored-auth-only',
      '--format', 'json',
      '--method', ...method,
    ],
    { encoding: 'utf8', env: { ...process.env, HOME: home }, timeout: COMMAND_TIMEOUT_MS },
  );
  return { ...run, what: `${method[0]} (${era})` };
}

/** The result of a command that succeeds. */
function succeed(era, ...method) {
  const run = inspect(era, ...method);
  if (run.status !== 0) {
    check(`the Inspector exits with 0 for ${run.what}`, false, run);
  }
  return JSON.parse(run.stdout).result;
}

const toolCall = ([tool, args]) =>
  ['tools/call', '--tool-name', tool, '--tool-args-json', JSON.stringify(args)];

function steps(era) {
  const { protocolVersion } = succeed(era, 'initialize');
  check(`${REVISIONS[era]} is negotiated (${era})`, protocolVersion === REVISIONS[era], protocolVersion);

  const lists = [
    ['tools/list', 'tools', 'name', server.call[0]],
    ['resources/templates/list', 'resourceTemplates', 'uriTemplate', server.template],
    ['prompts/list', 'prompts', 'name', server.prompt[0]],
  ];
  for (const [method, list, key, wanted] of lists) {
    const found = succeed(era, method)[list].map((item) => item[key]);
    check(`${method} names ${wanted} (${era})`, found.includes(wanted), found);
  }
  const { resources } = succeed(era, 'resources/list');
  check(`resources are listed (${era})`, resources.length > 0, resources);

  const answers = [
    [server.call[2], toolCall(server.call)],
    [server.resource[1], ['resources/read', '--uri', server.resource[0]]],
    [server.prompt[1], ['prompts/get', '--prompt-name', server.prompt[0]]],
  ];
  for (const [expected, method] of answers) {
    const text = JSON.stringify(succeed(era, ...method));
    check(`${method[0]} answers with ${expected} (${era})`, text.includes(expected), text);
  }

  const refused = inspect(era, ...toolCall(server.refusal));
  const said = (refused.stdout + refused.stderr).includes(server.refusal[2][protocolVersion]);
  check(`${server.refusal[0]} says that the client cannot answer (${era})`, said, refused);
}

for (const era of Object.keys(REVISIONS)) {
  steps(era);
}
console.log('inspector: all steps passed');
