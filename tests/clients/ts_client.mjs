// The TypeScript client, package @modelcontextprotocol/client: node ts_client.mjs SERVER_URL

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

import { check, run, serverUrl } from './steps.mjs';

const INFO = { name: 'interop-ts-client', version: '1.0.0' };

await run({
  async connect(url, { fetch, capabilities, prepare }) {
    const client = new Client(INFO, { capabilities });
    prepare(client);
    const transport = new StreamableHTTPClientTransport(url, { fetch });
    await client.connect(transport);
    return { client, transport };
  },
  callTool: (client, params, options) => client.callTool(params, options),
  onRequest: (client, method, handler) => client.setRequestHandler(method, handler),
  onNotification: (client, method, handler) => client.setNotificationHandler(method, handler),
});

// A client that asks with `server/discover` first must end up with some revision that works.
const client = new Client(INFO, { versionNegotiation: { mode: 'auto' } });
const transport = new StreamableHTTPClientTransport(serverUrl());
await client.connect(transport);
const revision = client.getNegotiatedProtocolVersion();
check('a revision is negotiated automatically', Boolean(revision), revision);
const result = await client.callTool({ name: 'test_simple_text', arguments: {} });
check(`a tool is called at ${revision}`, result.content[0].text.length > 0, result);
if (transport.sessionId) {
  await transport.terminateSession();
}
await client.close();
console.log('ts_client: all steps passed');
