// The TypeScript SDK, package @modelcontextprotocol/sdk, over standard streams:
// node ts_sdk_stdio.mjs COMMAND

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import {
  ElicitRequestSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';

import { check, eventually, limitTime, server } from './steps.mjs';

limitTime();
const { command, args } = server();
const transport = new StdioClientTransport({ command, args });
const info = { name: 'interop-ts-sdk-stdio', version: '1.0.0' };
const client = new Client(info, { capabilities: { elicitation: {} } });
const errors = [];
const updates = [];
// Progress that arrives together with its answer finds its callback gone: the SDK handles answers first.
const isLate = (error) => String(error).includes('progress notification for an unknown token');
client.onerror = (error) => isLate(error) || errors.push(String(error));
client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'accept', content: { delete: true } }));
client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => updates.push(params.uri));

await client.connect(transport);
check('the server names itself', client.getServerVersion().name === 'notes', client.getServerVersion());
const { tools } = await client.listTools();
check('five tools are listed', tools.length === 5, tools);
await client.subscribeResource({ uri: 'notes://all' });

const seen = [];
const summary = await client.callTool({ name: 'summarise_notes' }, undefined, {
  onprogress: ({ progress }) => seen.push(progress),
});
check('there is progress while notes are read', seen.join().startsWith('1,2,3'), seen);
check('the summary counts the notes', summary.structuredContent.count === 4, summary);

const abort = new AbortController();
const cancelled = client.callTool({ name: 'summarise_notes' }, undefined, {
  signal: abort.signal,
  onprogress: () => abort.abort('enough'),
});
const outcome = await cancelled.then(() => 'answered', () => 'cancelled');
check('a call is cancelled', outcome === 'cancelled', outcome);

const deleted = await client.callTool({ name: 'delete_note', arguments: { id: 1 } });
check('the user is asked before a note is deleted', deleted.structuredContent?.deleted === true, deleted);
await eventually('the deletion is heard of', () => updates.includes('notes://all'), updates);
check('no error was reported by the client', errors.length === 0, errors);
await client.close();
console.log('ts_sdk_stdio: all steps passed');
