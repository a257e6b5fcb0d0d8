// The TypeScript SDK, package @modelcontextprotocol/sdk: node ts_sdk.mjs SERVER_URL

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';

import { run } from './steps.mjs';

const SCHEMAS = {
  'elicitation/create': ElicitRequestSchema,
  'sampling/createMessage': CreateMessageRequestSchema,
  'roots/list': ListRootsRequestSchema,
  'notifications/message': LoggingMessageNotificationSchema,
  'notifications/tools/list_changed': ToolListChangedNotificationSchema,
  'notifications/prompts/list_changed': PromptListChangedNotificationSchema,
};

await run({
  async connect(url, { fetch, capabilities, prepare }) {
    const client = new Client({ name: 'interop-ts-sdk', version: '1.0.0' }, { capabilities });
    prepare(client);
    const transport = new StreamableHTTPClientTransport(url, { fetch });
    await client.connect(transport);
    return { client, transport };
  },
  callTool: (client, params, options) => client.callTool(params, undefined, options),
  onRequest: (client, method, handler) => client.setRequestHandler(SCHEMAS[method], handler),
  onNotification: (client, method, handler) => client.setNotificationHandler(SCHEMAS[method], handler),
});
console.log('ts_sdk: all steps passed');
