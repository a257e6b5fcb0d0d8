// The Inspector's command line: node inspector.mjs SERVER_URL TOOL ARGUMENTS_JSON EXPECTED_TEXT
//
// Lists the tools and calls one, once with the `initialize` handshake and once with whatever
// revision the Inspector negotiates by itself.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const COMMAND_TIMEOUT_MS = 30_000;
const [url, tool, toolArguments, expected] = process.argv.slice(2);
if (expected === undefined) {
  console.error(`usage: ${process.argv[1]} SERVER_URL TOOL ARGUMENTS_JSON EXPECTED_TEXT`);
  process.exit(2);
}

const launcher = join(import.meta.dirname, 'node_modules', '.bin', 'mcp-inspector');
// The Inspector keeps settings in the home directory; it gets one of its own.
const home = mkdtempSync(join(tmpdir(), 'inspector-home-'));
process.on('exit', () => rmSync(home, { recursive: true, force: true }));

function fail(what, seen) {
  console.error(`FAILED: ${what}; got ${JSON.stringify(seen)}`);
  process.exit(1);
}

function check(what, holds, seen) {
  if (!holds) {
    fail(what, seen);
  }
  console.log(`ok: ${what}`);
}

function inspect(era, ...method) {
  const run = spawnSync(
    process.execPath,
    [
      launcher,
      '--cli',
      '--transport', 'http',
      '--server-url', url,
      '--protocol-era', era,
      '--stored-auth-only',
      '--format', 'json',
      '--method', ...method,
    ],
    { encoding: 'utf8', env: { ...process.env, HOME: home }, timeout: COMMAND_TIMEOUT_MS },
  );
  if (run.status !== 0) {
    fail(`the Inspector exits with 0 for ${method[0]} (${era})`, run);
  }
  return JSON.parse(run.stdout).result;
}

for (const era of ['legacy', 'auto']) {
  const { tools } = inspect(era, 'tools/list');
  const names = tools.map(({ name }) => name);
  check(`tools/list names ${tool} (${era})`, names.includes(tool), names);

  const result = inspect(
    era, 'tools/call', '--tool-name', tool, '--tool-args-json', toolArguments,
  );
  const text = result.content.map((item) => item.text ?? '').join('\n');
  check(`tools/call ${tool} answers with ${expected} (${era})`, text.includes(expected), result);
}
console.log('inspector: all steps passed');
