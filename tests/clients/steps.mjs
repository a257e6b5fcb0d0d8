// The steps that the TypeScript clients take against the conformance server.
//
// The packages spell the same calls differently; `adapter` hides that:
//   connect(url, options)           a connected { client, transport } in the era of the steps
//   callTool(client, params, options)
//   onRequest(client, method, handler), onNotification(client, method, handler)

import { setTimeout as sleep } from 'node:timers/promises';

const DEADLINE_MS = 60_000;
const RESUME_WITHIN_MS = 10_000;
const ARRIVES_WITHIN_MS = 10_000;

/** The newest revision with sessions, and the one without. */
export const SESSION_ORIENTED = '2025-11-25';
export const SESSIONLESS = '2026-07-28';

const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';
const SAMPLED = 'a sampled sentence';
const ROOT = { uri: 'file:///somewhere', name: 'somewhere' };
/** What the user says, whatever part of it a form asks for. */
const ELICITED = {
  username: 'ada',
  email: 'ada@example.com',
  name: 'Ada',
  color: 'teal',
  ok: true,
  context: 'the sea',
};

export function check(what, holds, seen) {
  if (!holds) {
    console.error(`FAILED: ${what}; got ${JSON.stringify(seen)}`);
    process.exit(1);
  }
  console.log(`ok: ${what}`);
}

export function serverUrl() {
  const url = process.argv[2];
  if (!url) {
    console.error(`usage: ${process.argv[1]} SERVER_URL`);
    process.exit(2);
  }
  return new URL(url);
}

/**
 * The server of a script that takes both: `url`, or the `command` that serves standard streams when
 * it is run with `args`.
 */
export function server() {
  const named = process.argv[2];
  if (!named) {
    console.error(`usage: ${process.argv[1]} SERVER_URL|COMMAND`);
    process.exit(2);
  }
  return /^https?:/.test(named) ? { url: new URL(named) } : { command: named, args: ['--stdio'] };
}

/** A fetch that notes what goes over the wire, so that a step can ask about headers and statuses. */
export function recordingFetch(exchanges) {
  return async (input, init = {}) => {
    const headers = new Headers(init.headers);
    const exchange = {
      method: init.method ?? 'GET',
      rpc: init.body ? JSON.parse(init.body).method : undefined,
      revision: headers.get('mcp-protocol-version'),
      session: headers.get('mcp-session-id'),
      lastEventId: headers.get('last-event-id'),
      status: undefined,
    };
    exchanges.push(exchange);
    const response = await fetch(input, init);
    exchange.status = response.status;
    exchange.session ??= response.headers.get('mcp-session-id');
    return response;
  };
}

/** Ends the script when its steps take too long. */
export function limitTime() {
  setTimeout(() => {
    console.error(`FAILED: not finished after ${DEADLINE_MS} ms`);
    process.exit(1);
  }, DEADLINE_MS).unref();
}

/** Waits until `arrived` holds. */
export async function eventually(what, arrived, seen) {
  const end = Date.now() + ARRIVES_WITHIN_MS;
  while (!arrived() && Date.now() < end) {
    await sleep(20);
  }
  check(what, arrived(), seen);
}

/** A connected client that answers every question, and records of all that it saw. */
async function connected(adapter, url) {
  const exchanges = [];
  const logs = [];
  const asked = [];
  const changes = [];
  const errors = [];
  const { client, transport } = await adapter.connect(url, {
    fetch: recordingFetch(exchanges),
    capabilities: { elicitation: {}, sampling: {}, roots: {} },
    prepare(client) {
      client.onerror = (error) => errors.push(String(error));
      adapter.onNotification(client, 'notifications/message', ({ params }) => logs.push(params));
      for (const list of ['tools', 'prompts']) {
        const method = `notifications/${list}/list_changed`;
        adapter.onNotification(client, method, () => changes.push(list));
      }
      adapter.onRequest(client, 'elicitation/create', async ({ params }) => {
        asked.push(params);
        const wanted = Object.keys(params.requestedSchema.properties);
        const content = Object.fromEntries(wanted.map((name) => [name, ELICITED[name]]));
        return { action: 'accept', content };
      });
      adapter.onRequest(client, 'roots/list', async () => ({ roots: [ROOT] }));
      adapter.onRequest(client, 'sampling/createMessage', async ({ params }) => {
        asked.push(params);
        return {
          role: 'assistant',
          content: { type: 'text', text: SAMPLED },
          model: 'test-model',
          stopReason: 'endTurn',
        };
      });
    },
  });
  const call = (name, args, options, meta) =>
    adapter.callTool(client, { name, arguments: args ?? {}, _meta: meta }, options);
  return { client, transport, call, exchanges, logs, asked, changes, errors };
}

/** The steps of a client that speaks `initialize`. */
export async function run(adapter) {
  const url = serverUrl();
  limitTime();
  const { client, transport, call, exchanges, logs, asked, errors } = await connected(adapter, url);
  await initialised(client, transport);
  await catalogue(client);
  await contents(client);
  await progress(call);
  await asks(call, asked);
  await rounds(client, call, asked);
  await subscription(client);
  await completion(client);
  await logging(client, call, logs);
  await resumption(call, exchanges);
  check('no error was reported by the client', errors.length === 0, errors);
  await farewell(url, client, transport, exchanges);
}

/** The steps of a client that speaks the revision without sessions. */
export async function runSessionless(adapter) {
  const { client, transport, call, exchanges, logs, asked, changes, errors } =
    await connected(adapter, serverUrl());
  await discovered(client, transport);
  await catalogue(client);
  await contents(client);
  await progress(call);
  const before = exchanges.length;
  await asks(call, asked);
  const sent = exchanges.slice(before).map(({ rpc }) => rpc);
  check('every answer is sent with the call itself', sent.join() === Array(4).fill('tools/call').join(), sent);
  await rounds(client, call, asked);
  await completion(client);
  await loggingPerRequest(call, logs);
  await listening(client, call, changes);
  check('no error was reported by the client', errors.length === 0, errors);
  await client.close();
  wasSessionless(exchanges);
}

/** Nothing of a session went over the wire. */
export function wasSessionless(exchanges) {
  const others = exchanges.filter(
    ({ method, revision, session }) => method !== 'POST' || revision !== SESSIONLESS || session,
  );
  check(`only ${SESSIONLESS} was spoken`, exchanges.length > 0 && others.length === 0, others);
}

/** An `initialize` went over the wire, and a session after it. */
export function wasSessionOriented(exchanges) {
  const [first, ...rest] = exchanges;
  check('the first request is initialize', first.rpc === 'initialize', first);
  const others = rest.filter(
    ({ revision, session }) => revision !== SESSION_ORIENTED || session !== first.session,
  );
  check(`only ${SESSION_ORIENTED} was spoken`, first.session && others.length === 0, others);
}

async function discovered(client, transport) {
  const revision = client.getNegotiatedProtocolVersion();
  check(`${SESSIONLESS} is negotiated`, revision === SESSIONLESS, revision);
  check('the era is the modern one', client.getProtocolEra() === 'modern', client.getProtocolEra());
  check('there is no session', transport.sessionId === undefined, transport.sessionId);
  const { supportedVersions, capabilities } = await client.discover();
  const missing = [SESSIONLESS, SESSION_ORIENTED].filter((one) => !supportedVersions.includes(one));
  check('the revisions of both eras are discovered', missing.length === 0, supportedVersions);
  for (const name of ['tools', 'resources', 'prompts', 'completions', 'logging']) {
    check(`the capability ${name} is discovered`, name in capabilities, capabilities);
  }
  check('the server names itself', Boolean(client.getServerVersion()?.name), client.getServerVersion());
}

async function initialised(client, transport) {
  const capabilities = client.getServerCapabilities() ?? {};
  for (const name of ['tools', 'resources', 'prompts', 'completions', 'logging']) {
    check(`the capability ${name} is declared`, name in capabilities, capabilities);
  }
  check('resources can be subscribed', capabilities.resources.subscribe === true, capabilities);
  check(`${SESSION_ORIENTED} is negotiated`, transport.protocolVersion === SESSION_ORIENTED, transport.protocolVersion);
  check('a session id is given', Boolean(transport.sessionId), transport.sessionId);
  check('the server names itself', Boolean(client.getServerVersion()?.name), client.getServerVersion());
  await client.ping();
  check('ping is answered', true);
}

function containsAll(what, found, wanted) {
  const missing = wanted.filter((name) => !found.includes(name));
  check(`${what} are listed`, missing.length === 0, { missing, found });
}

async function catalogue(client) {
  const { tools } = await client.listTools();
  containsAll('tools', tools.map((tool) => tool.name), [
    'test_simple_text',
    'test_error_handling',
    'test_tool_with_progress',
    'test_tool_with_logging',
    'test_sampling',
    'test_elicitation',
    'test_reconnection',
  ]);
  const { resources } = await client.listResources();
  containsAll('resources', resources.map((resource) => resource.uri), [
    'test://static-text',
    'test://static-binary',
    'test://watched-resource',
  ]);
  const { resourceTemplates } = await client.listResourceTemplates();
  containsAll('resource templates', resourceTemplates.map((template) => template.uriTemplate), [
    'test://template/{id}/data',
  ]);
  const { prompts } = await client.listPrompts();
  containsAll('prompts', prompts.map((prompt) => prompt.name), [
    'test_simple_prompt',
    'test_prompt_with_arguments',
    'test_prompt_with_embedded_resource',
    'test_prompt_with_image',
  ]);
}

async function contents(client) {
  const text = await client.readResource({ uri: 'test://static-text' });
  check('a text resource is read', text.contents[0].text.length > 0, text);
  const binary = await client.readResource({ uri: 'test://static-binary' });
  check('a binary resource is read', binary.contents[0].blob.length > 0, binary);
  const templated = await client.readResource({ uri: 'test://template/42/data' });
  check('a templated resource is read', templated.contents[0].text.includes('42'), templated);
  const prompt = await client.getPrompt({
    name: 'test_prompt_with_arguments',
    arguments: { arg1: 'one', arg2: 'two' },
  });
  const said = prompt.messages[0].content.text;
  check('a prompt takes its arguments', said.includes('one') && said.includes('two'), prompt);
}

async function progress(call) {
  const plain = await call('test_simple_text');
  check('a tool is called', plain.content[0].text.length > 0, plain);
  const failed = await call('test_error_handling');
  check("a tool's error is a result", failed.isError === true, failed);

  const seen = [];
  const result = await call('test_tool_with_progress', {}, {
    onprogress: ({ progress }) => seen.push(progress),
  });
  const increasing = seen.every((value, at) => at === 0 || value > seen[at - 1]);
  check('three increasing progress notifications arrive', seen.length >= 3 && increasing, seen);
  check('the tool with progress has a result', result.content.length > 0, result);
}

async function asks(call, asked) {
  const elicited = await call('test_elicitation', { message: 'Who are you?' });
  check('the elicitation carries the message', asked[0]?.message === 'Who are you?', asked);
  check('the elicitation has a schema', 'username' in asked[0].requestedSchema.properties, asked);
  const answer = elicited.content[0].text;
  check(
    'the elicited answer reaches the tool',
    answer.includes('accept') && answer.includes(ELICITED.username) && answer.includes(ELICITED.email),
    elicited,
  );

  const sampled = await call('test_sampling', { prompt: 'Say something.' });
  check('the sampling request carries its limit', asked[1]?.maxTokens === 100, asked);
  check('the sampled answer reaches the tool', sampled.content[0].text.includes(SAMPLED), sampled);
}

async function rounds(client, call, asked) {
  const before = asked.length;
  const said = async (tool) => (await call(tool)).content[0].text;
  const rounds = await said('test_input_required_result_multi_round');
  check('a tool asks twice', rounds === 'Ada likes teal.', rounds);
  const messages = asked.slice(before).map(({ message }) => message.slice(0, 6));
  check('every question is asked once', messages.join() === 'Step 1,Step 2', messages);

  const state = await said('test_input_required_result_request_state');
  check('the state of a call comes back', state === 'state-ok, confirmed: true', state);
  const several = await said('test_input_required_result_multiple_inputs');
  const answers = [ELICITED.name, SAMPLED, ROOT.uri];
  check('user, model and roots are asked at once', answers.every((one) => several.includes(one)), several);

  const prompt = await client.getPrompt({ name: 'test_input_required_result_prompt' });
  const text = prompt.messages[0].content.text;
  check('a prompt asks, too', text.includes(ELICITED.context), prompt);
}

async function subscription(client) {
  await client.subscribeResource({ uri: 'test://watched-resource' });
  check('a resource is subscribed', true);
  await client.unsubscribeResource({ uri: 'test://watched-resource' });
  check('a resource is unsubscribed', true);
}

async function completion(client) {
  const { completion } = await client.complete({
    ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' },
    argument: { name: 'arg1', value: 'test' },
  });
  check('an argument is completed', Array.isArray(completion.values), completion);
}

async function logging(client, call, logs) {
  await client.setLoggingLevel('debug');
  await call('test_tool_with_logging');
  const arrived = logs.filter(({ level }) => level === 'info').length;
  check('three log messages arrive', arrived >= 3, logs);
}

async function loggingPerRequest(call, logs) {
  await call('test_tool_with_logging');
  await call('test_tool_with_logging', {}, undefined, { [LOG_LEVEL]: 'error' });
  check('no log message arrives that was not asked for', logs.length === 0, logs);
  await call('test_tool_with_logging', {}, undefined, { [LOG_LEVEL]: 'info' });
  const levels = logs.map(({ level }) => level).join();
  check('three log messages arrive', levels === 'info,info,info', logs);
}

async function listening(client, call, changes) {
  const wanted = { toolsListChanged: true, resourceSubscriptions: ['test://watched-resource'] };
  const subscription = await client.listen(wanted);
  const honored = subscription.honoredFilter;
  check(
    'the subscription is acknowledged',
    honored.toolsListChanged && honored.resourceSubscriptions.join() === wanted.resourceSubscriptions.join(),
    honored,
  );
  const hasExtra = async () =>
    (await client.listTools()).tools.some(({ name }) => name === 'test_extra');
  const had = await hasExtra();
  for (const [at, has] of [!had, had].entries()) {
    await call('test_trigger_prompt_change');
    await call('test_trigger_tool_change');
    await eventually(`change ${at + 1} of the tools is heard`, () => changes.length > at, changes);
    check(`change ${at + 1} of the tools is listed`, (await hasExtra()) === has, { has });
  }
  check('nothing else is heard', changes.join() === 'tools,tools', changes);
  await subscription.close();
  const end = await subscription.closed;
  check('the subscription is closed', end === 'local', end);
}

async function resumption(call, exchanges) {
  const result = await call('test_reconnection', {}, { timeout: RESUME_WITHIN_MS });
  check('the result of a call on a cut stream arrives', result.content.length > 0, result);
  const resumed = exchanges.find(({ method, lastEventId }) => method === 'GET' && lastEventId);
  check('the client resumed with Last-Event-ID', resumed?.status === 200, exchanges);
}

async function farewell(url, client, transport, exchanges) {
  const session = transport.sessionId;
  await transport.terminateSession();
  const deleted = exchanges.find(({ method }) => method === 'DELETE');
  const accepted = deleted && deleted.status >= 200 && deleted.status < 300;
  check('DELETE ends the session', accepted && deleted.session === session, deleted);
  await client.close();

  const late = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': SESSION_ORIENTED,
      'mcp-session-id': session,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  });
  check('an ended session is not found', late.status === 404, late.status);
}
