// The TypeScript client and the notes of the quickstart: node ts_notes.mjs SERVER_URL|COMMAND
//
// The tool that asks before it deletes is the same for both eras.

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

import {
  SESSIONLESS,
  SESSION_ORIENTED,
  check,
  eventually,
  limitTime,
  recordingFetch,
  server,
  wasSessionOriented,
  wasSessionless,
} from './steps.mjs';

const INFO = { name: 'interop-ts-notes', version: '1.0.0' };
const ALL_NOTES = 'notes://all';
/** At revisions with sessions, and without. */
const NOT_FOUND = [-32002, -32602];

/** What the user says, whether the note is gone then, and what the result says. */
const ANSWERS = [
  [{ action: 'decline' }, false, undefined],
  [{ action: 'cancel' }, false, undefined],
  [{ action: 'accept', content: { delete: false } }, false, false],
  [{ action: 'accept', content: { delete: true } }, true, true],
];

const { url, ...program } = server();

async function notes(mode, revision) {
  const exchanges = [];
  const questions = [];
  const updates = [];
  let answer;
  const client = new Client(INFO, {
    capabilities: { elicitation: {} },
    versionNegotiation: { mode },
  });
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    questions.push(params.message);
    return answer;
  });
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    updates.push(params.uri);
  });
  const transport = url
    ? new StreamableHTTPClientTransport(url, { fetch: recordingFetch(exchanges) })
    : new StdioClientTransport(program);
  await client.connect(transport);
  const negotiated = client.getNegotiatedProtocolVersion();
  check(`${revision} is negotiated`, negotiated === revision, negotiated);
  let subscription;
  if (revision === SESSIONLESS) {
    subscription = await client.listen({ resourceSubscriptions: [ALL_NOTES] });
  } else {
    await client.subscribeResource({ uri: ALL_NOTES });
  }

  const call = (name, args) => client.callTool({ name, arguments: args });
  await client.listTools();
  const title = `Written at ${revision}`;
  const { id } = (await call('create_note', { title, body: 'To be deleted.' })).structuredContent;
  await eventually('the new note is heard of', () => updates.length === 1, updates);
  const isLeft = () =>
    client.readResource({ uri: `notes://${id}` }).then(
      ({ contents }) => JSON.parse(contents[0].text).title === title,
      (error) => {
        check('a note that is gone is not found', NOT_FOUND.includes(error.code), String(error));
        return false;
      },
    );
  check('the new note is read', await isLeft());

  for (const [said, gone, deleted] of ANSWERS) {
    answer = said;
    const result = await call('delete_note', { id });
    const what = JSON.stringify(said);
    const expected = deleted === undefined
      ? result.isError === true
      : result.structuredContent.id === id && result.structuredContent.deleted === deleted;
    check(`the result is right after ${what}`, expected, result);
    const left = await isLeft();
    check(`the note is ${gone ? 'gone' : 'there'} after ${what}`, left !== gone, { left });
  }
  const expected = ANSWERS.map(() => `Delete the note "${title}"?`);
  check('the user was asked once for each call', questions.join() === expected.join(), questions);
  await eventually('the deletion is heard of', () => updates.length === 2, updates);

  await subscription?.close();
  await transport.terminateSession?.();
  await client.close();
  if (url) {
    (revision === SESSIONLESS ? wasSessionless : wasSessionOriented)(exchanges);
  }
}

limitTime();
await notes('legacy', SESSION_ORIENTED);
await notes({ pin: SESSIONLESS }, SESSIONLESS);
await notes('auto', SESSIONLESS);
console.log('ts_notes: all steps passed');
