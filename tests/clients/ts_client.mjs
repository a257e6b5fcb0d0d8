// The TypeScript client, package @modelcontextprotocol/client: node ts_client.mjs SERVER_URL
//
// First with a session, then without.

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

import {
  SESSIONLESS,
  check,
  recordingFetch,
  run,
  runSessionless,
  serverUrl,
  wasSessionless,
} from './steps.mjs';

const INFO = { name: 'interop-ts-client', version: '1.0.0' };

/** How the client connects, with a session or without. */
const adapter = (mode) => ({
  async connect(url, { fetch, capabilities, prepare }) {
    const client = new Client(INFO, { capabilities, versionNegotiation: { mode } });
    prepare(client);
    const transport = new StreamableHTTPClientTransport(url, { fetch });
    await client.connect(transport);
    return { client, transport };
  },
  callTool: (client, params, options) => client.callTool(params, options),
  onRequest: (client, method, handler) => client.setRequestHandler(method, handler),
  onNotification: (client, method, handler) => client.setNotificationHandler(method, handler),
});

await run(adapter('legacy'));
await runSessionless(adapter({ pin: SESSIONLESS }));

// A client that leaves it open finds the newer era with `server/discover`.
const client = new Client(INFO, { versionNegotiation: { mode: 'auto' } });
const exchanges = [];
const fetch = recordingFetch(exchanges);
await client.connect(new StreamableHTTPClientTransport(serverUrl(), { fetch }));
const revision = client.getNegotiatedProtocolVersion();
check(`${SESSIONLESS} is negotiated automatically`, revision === SESSIONLESS, revision);
const result = await client.callTool({ name: 'test_simple_text', arguments: {} });
check(`a tool is called at ${revision}`, result.content[0].text.length > 0, result);
await client.close();
wasSessionless(exchanges);
console.log('ts_client: all steps passed');
