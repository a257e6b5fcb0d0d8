"""The Python SDK, package mcp: python python_client.py SERVER_URL"""

import json
import sys
import warnings

import anyio
import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPDeprecationWarning

# The package warns that 2026-07-28 drops logging, ping and subscribe; older revisions have them.
warnings.simplefilter("ignore", MCPDeprecationWarning)

DEADLINE_SECONDS = 60
RESUME_WITHIN_SECONDS = 10
REVISION = "2025-11-25"
SAMPLED = "a sampled sentence"
ELICITED = {"username": "ada", "email": "ada@example.com"}


def check(what, holds, seen=None):
    if not holds:
        print(f"FAILED: {what}; got {seen!r}", file=sys.stderr, flush=True)
        raise SystemExit(1)
    print(f"ok: {what}", flush=True)


class Recorder:
    """What the client was asked and told, and what went over the wire."""

    def __init__(self):
        self.exchanges = []
        self.logs = []
        self.elicitations = []
        self.samplings = []
        self.errors = []

    def http_client(self):
        async def response(response):
            self.exchanges.append(response)

        return httpx2.AsyncClient(
            timeout=httpx2.Timeout(30.0), event_hooks={"response": [response]}
        )

    async def log(self, params):
        self.logs.append(params)

    async def message(self, message):
        if isinstance(message, Exception):
            self.errors.append(message)

    async def elicit(self, _context, params):
        self.elicitations.append(params)
        return types.ElicitResult(action="accept", content=ELICITED)

    async def sample(self, _context, params):
        self.samplings.append(params)
        return types.CreateMessageResult(
            role="assistant",
            content=types.TextContent(type="text", text=SAMPLED),
            model="test-model",
            stop_reason="endTurn",
        )


async def initialised(client, recorder):
    capabilities = client.server_capabilities
    for name in ("tools", "resources", "prompts", "completions", "logging"):
        check(f"the capability {name} is declared", getattr(capabilities, name) is not None, capabilities)
    check("resources can be subscribed", capabilities.resources.subscribe is True, capabilities)
    check(f"{REVISION} is negotiated", client.protocol_version == REVISION, client.protocol_version)
    check("the server names itself", bool(client.server_info.name), client.server_info)
    sessions = [one.headers.get("mcp-session-id") for one in recorder.exchanges]
    check("a session id is given", bool(sessions[0]), sessions)
    await client.send_ping()
    check("ping is answered", True)


def contains_all(what, found, wanted):
    missing = [name for name in wanted if name not in found]
    check(f"{what} are listed", not missing, {"missing": missing, "found": found})


async def catalogue(client):
    contains_all(
        "tools",
        [tool.name for tool in (await client.list_tools()).tools],
        [
            "test_simple_text",
            "test_error_handling",
            "test_tool_with_progress",
            "test_tool_with_logging",
            "test_sampling",
            "test_elicitation",
            "test_reconnection",
        ],
    )
    contains_all(
        "resources",
        [str(resource.uri) for resource in (await client.list_resources()).resources],
        ["test://static-text", "test://static-binary", "test://watched-resource"],
    )
    templates = (await client.list_resource_templates()).resource_templates
    contains_all(
        "resource templates",
        [template.uri_template for template in templates],
        ["test://template/{id}/data"],
    )
    contains_all(
        "prompts",
        [prompt.name for prompt in (await client.list_prompts()).prompts],
        [
            "test_simple_prompt",
            "test_prompt_with_arguments",
            "test_prompt_with_embedded_resource",
            "test_prompt_with_image",
        ],
    )


async def contents(client):
    text = await client.read_resource("test://static-text")
    check("a text resource is read", len(text.contents[0].text) > 0, text)
    binary = await client.read_resource("test://static-binary")
    check("a binary resource is read", len(binary.contents[0].blob) > 0, binary)
    templated = await client.read_resource("test://template/42/data")
    check("a templated resource is read", "42" in templated.contents[0].text, templated)
    prompt = await client.get_prompt("test_prompt_with_arguments", {"arg1": "one", "arg2": "two"})
    said = prompt.messages[0].content.text
    check("a prompt takes its arguments", "one" in said and "two" in said, prompt)


async def progress(client):
    plain = await client.call_tool("test_simple_text", {})
    check("a tool is called", len(plain.content[0].text) > 0, plain)
    failed = await client.call_tool("test_error_handling", {})
    check("a tool's error is a result", failed.is_error is True, failed)

    seen = []

    async def note(progress, _total, _message):
        seen.append(progress)

    result = await client.call_tool("test_tool_with_progress", {}, progress_callback=note)
    increasing = all(earlier < later for earlier, later in zip(seen, seen[1:]))
    check("three increasing progress notifications arrive", len(seen) >= 3 and increasing, seen)
    check("the tool with progress has a result", len(result.content) > 0, result)


async def asks(client, recorder):
    elicited = await client.call_tool("test_elicitation", {"message": "Who are you?"})
    check(
        "the elicitation carries the message",
        [one.message for one in recorder.elicitations] == ["Who are you?"],
        recorder.elicitations,
    )
    schema = recorder.elicitations[0].requested_schema
    check("the elicitation has a schema", "username" in json.dumps(schema), schema)
    answer = elicited.content[0].text
    check(
        "the elicited answer reaches the tool",
        all(part in answer for part in ("accept", *ELICITED.values())),
        elicited,
    )

    sampled = await client.call_tool("test_sampling", {"prompt": "Say something."})
    check(
        "the sampling request carries its limit",
        [one.max_tokens for one in recorder.samplings] == [100],
        recorder.samplings,
    )
    check("the sampled answer reaches the tool", SAMPLED in sampled.content[0].text, sampled)


async def subscription(client):
    await client.subscribe_resource("test://watched-resource")
    check("a resource is subscribed", True)
    await client.unsubscribe_resource("test://watched-resource")
    check("a resource is unsubscribed", True)


async def completion(client):
    result = await client.complete(
        types.PromptReference(type="ref/prompt", name="test_prompt_with_arguments"),
        {"name": "arg1", "value": "test"},
    )
    check("an argument is completed", isinstance(result.completion.values, list), result)


async def logging(client, recorder):
    await client.set_logging_level("debug")
    await client.call_tool("test_tool_with_logging", {})
    arrived = [one for one in recorder.logs if one.level == "info"]
    check("three log messages arrive", len(arrived) >= 3, recorder.logs)


async def resumption(client, recorder):
    result = await client.call_tool(
        "test_reconnection", {}, read_timeout_seconds=RESUME_WITHIN_SECONDS
    )
    check("the result of a call on a cut stream arrives", len(result.content) > 0, result)
    statuses = [
        one.status_code
        for one in recorder.exchanges
        if one.request.method == "GET" and "last-event-id" in one.request.headers
    ]
    check("the client resumed with Last-Event-ID", 200 in statuses, statuses)


async def farewell(url, recorder):
    deletions = [one for one in recorder.exchanges if one.request.method == "DELETE"]
    statuses = [one.status_code for one in deletions]
    check("DELETE ends the session", len(statuses) == 1 and 200 <= statuses[0] < 300, statuses)
    async with httpx2.AsyncClient() as http:
        late = await http.post(
            url,
            headers={
                "accept": "application/json, text/event-stream",
                "mcp-protocol-version": REVISION,
                "mcp-session-id": deletions[0].request.headers["mcp-session-id"],
            },
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        )
    check("an ended session is not found", late.status_code == 404, late.status_code)


async def session_oriented(url):
    recorder = Recorder()
    async with recorder.http_client() as http:
        client = Client(
            streamable_http_client(url, http_client=http),
            mode="legacy",
            client_info=types.Implementation(name="interop-python", version="1.0.0"),
            sampling_callback=recorder.sample,
            elicitation_callback=recorder.elicit,
            logging_callback=recorder.log,
            message_handler=recorder.message,
        )
        async with client:
            await initialised(client, recorder)
            await catalogue(client)
            await contents(client)
            await progress(client)
            await asks(client, recorder)
            await subscription(client)
            await completion(client)
            await logging(client, recorder)
            await resumption(client, recorder)
            check("no error was reported by the client", not recorder.errors, recorder.errors)
        await farewell(url, recorder)


async def negotiated(url):
    """The package's default asks with `server/discover` first; some revision must come of it."""
    async with Client(url) as client:
        check("a revision is negotiated automatically", bool(client.protocol_version))
        result = await client.call_tool("test_simple_text", {})
        check(f"a tool is called at {client.protocol_version}", len(result.content[0].text) > 0, result)


async def main(url):
    with anyio.fail_after(DEADLINE_SECONDS):
        await session_oriented(url)
        await negotiated(url)
    print("python_client: all steps passed", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: {sys.argv[0]} SERVER_URL")
    anyio.run(main, sys.argv[1])
