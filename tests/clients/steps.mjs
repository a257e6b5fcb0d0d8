// The steps that both TypeScript clients take against the conformance server.
//
// The two packages spell the same calls differently; `adapter` hides that:
//   connect(url, options)           a connected { client, transport } that spoke `initialize`
//   callTool(client, params, options)
//   onRequest(client, method, handler), onNotification(client, method, handler)

const DEADLINE_MS = 60_000;
const RESUME_WITHIN_MS = 10_000;
const REVISION = '2025-11-25';

const SAMPLED = 'a sampled sentence';
const ELICITED = { username: 'ada', email: 'ada@example.com' };

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

/** A fetch that notes what goes over the wire, so that a step can ask about headers and statuses. */
function recordingFetch(exchanges) {
  return async (input, init = {}) => {
    const headers = new Headers(init.headers);
    const exchange = {
      method: init.method ?? 'GET',
      session: headers.get('mcp-session-id'),
      lastEventId: headers.get('last-event-id'),
      status: undefined,
    };
    exchanges.push(exchange);
    const response = await fetch(input, init);
    exchange.status = response.status;
    return response;
  };
}

export async function run(adapter) {
  const url = serverUrl();
  setTimeout(() => {
    console.error(`FAILED: not finished after ${DEADLINE_MS} ms`);
    process.exit(1);
  }, DEADLINE_MS).unref();

  const exchanges = [];
  const logs = [];
  const asked = [];
  const errors = [];
  const { client, transport } = await adapter.connect(url, {
    fetch: recordingFetch(exchanges),
    capabilities: { elicitation: {}, sampling: {} },
    prepare(client) {
      client.onerror = (error) => errors.push(String(error));
      adapter.onNotification(client, 'notifications/message', ({ params }) => logs.push(params));
      adapter.onRequest(client, 'elicitation/create', async ({ params }) => {
        asked.push(params);
        return { action: 'accept', content: ELICITED };
      });
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
  const call = (name, args, options) =>
    adapter.callTool(client, { name, arguments: args ?? {} }, options);

  await initialised(client, transport);
  await catalogue(client);
  await contents(client);
  await progress(call);
  await asks(call, asked);
  await subscription(client);
  await completion(client);
  await logging(client, call, logs);
  await resumption(call, exchanges);
  check('no error was reported by the client', errors.length === 0, errors);
  await farewell(url, client, transport, exchanges);
}

async function initialised(client, transport) {
  const capabilities = client.getServerCapabilities() ?? {};
  for (const name of ['tools', 'resources', 'prompts', 'completions', 'logging']) {
    check(`the capability ${name} is declared`, name in capabilities, capabilities);
  }
  check('resources can be subscribed', capabilities.resources.subscribe === true, capabilities);
  check(`${REVISION} is negotiated`, transport.protocolVersion === REVISION, transport.protocolVersion);
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
      'mcp-protocol-version': REVISION,
      'mcp-session-id': session,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  });
  check('an ended session is not found', late.status === 404, late.status);
}
