"""The Python SDK and the notes of the quickstart: python python_notes.py SERVER_URL|COMMAND

The tool that asks before it deletes is the same for both eras.
"""

import json
import sys
from contextlib import AsyncExitStack

import anyio
import mcp_types as types
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ResourceUpdated
from mcp.shared.exceptions import MCPError

from python_client import (
    ARRIVES_WITHIN_SECONDS,
    DEADLINE_SECONDS,
    SESSION_ORIENTED,
    SESSIONLESS,
    Recorder,
    check,
)

ALL_NOTES = "notes://all"
# At revisions with sessions, and without.
NOT_FOUND = (-32002, -32602)
# What the user says, whether the note is gone then, and what the result says.
ANSWERS = [
    ({"action": "decline"}, False, None),
    ({"action": "cancel"}, False, None),
    ({"action": "accept", "content": {"delete": False}}, False, False),
    ({"action": "accept", "content": {"delete": True}}, True, True),
]


async def is_left(client, note):
    try:
        read = await client.read_resource(f"notes://{note}")
    except MCPError as error:
        check("a note that is gone is not found", error.code in NOT_FOUND, error)
        return False
    return json.loads(read.contents[0].text)["id"] == note


def is_url(server):
    return server.startswith(("http://", "https://"))


def transport(server, http):
    if is_url(server):
        return streamable_http_client(server, http_client=http)
    return stdio_client(StdioServerParameters(command=server, args=["--stdio"]))


async def notes(server, mode, revision):
    questions = []
    answer = {}
    heard, updates = anyio.create_memory_object_stream(16)

    async def elicit(_context, params):
        questions.append(params.message)
        return types.ElicitResult(**answer)

    async def message(message):
        if isinstance(message, types.ResourceUpdatedNotification):
            await heard.send(str(message.params.uri))

    async def heard_of(what):
        with anyio.fail_after(ARRIVES_WITHIN_SECONDS):
            uri = await anext(updates)
        check(f"{what} is heard of", uri == ALL_NOTES, uri)

    recorder = Recorder()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(recorder.http_client())
        client = await stack.enter_async_context(
            Client(
                transport(server, http),
                mode=mode,
                elicitation_callback=elicit,
                message_handler=message,
            )
        )
        check(f"{revision} is negotiated", client.protocol_version == revision, client.protocol_version)
        if revision == SESSIONLESS:
            changes = await stack.enter_async_context(client.listen(resource_subscriptions=[ALL_NOTES]))
            check("the subscription is acknowledged", changes.honored.resource_subscriptions == [ALL_NOTES])
        else:
            await client.subscribe_resource(ALL_NOTES)

        title = f"Written at {revision}"
        created = await client.call_tool("create_note", {"title": title, "body": "To be deleted."})
        note = created.structured_content["id"]
        await heard_of("the new note")
        check("the new note is read", await is_left(client, note))

        for said, gone, deleted in ANSWERS:
            answer.clear()
            answer.update(said)
            result = await client.call_tool("delete_note", {"id": note})
            if deleted is None:
                expected = result.is_error is True
            else:
                expected = result.structured_content == {"id": note, "deleted": deleted}
            check(f"the result is right after {said}", expected, result)
            left = await is_left(client, note)
            check(f"the note is {'gone' if gone else 'there'} after {said}", left is not gone, left)

        await heard_of("the deletion")
        expected = [f'Delete the note "{title}"?'] * len(ANSWERS)
        check("the user was asked once for each call", questions == expected, questions)
        if revision == SESSIONLESS:
            with anyio.fail_after(ARRIVES_WITHIN_SECONDS):
                change = await anext(changes)
            check("the subscription says the same", change == ResourceUpdated(ALL_NOTES), change)
    if is_url(server) and revision == SESSIONLESS:
        recorder.was_sessionless()
    elif is_url(server):
        recorder.was_session_oriented()


async def main(server):
    with anyio.fail_after(DEADLINE_SECONDS):
        await notes(server, "legacy", SESSION_ORIENTED)
        await notes(server, "auto", SESSIONLESS)
    print("python_notes: all steps passed", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: {sys.argv[0]} SERVER_URL|COMMAND")
    anyio.run(main, sys.argv[1])
