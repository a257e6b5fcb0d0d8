"""The Python SDK, package mcp: python python_client.py SERVER_URL

First with a session, then without.
"""

import json
import sys
import warnings

import anyio
import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ToolsListChanged
from mcp.shared.exceptions import MCPDeprecationWarning

# The package warns that 2026-07-28 drops logging, ping and subscribe; older revisions have them.
warnings.simplefilter("ignore", MCPDeprecationWarning)

DEADLINE_SECONDS = 60
RESUME_WITHIN_SECONDS = 10
ARRIVES_WITHIN_SECONDS = 10
SESSION_ORIENTED = "2025-11-25"
SESSIONLESS = "2026-07-28"
SAMPLED = "a sampled sentence"
ROOT = "file:///somewhere"
# What the user says, whatever part of it a form asks for.
ELICITED = {
    "username": "ada",
    "email": "ada@example.com",
    "name": "Ada",
    "color": "teal",
    "ok": True,
    "context": "the sea",
}


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
        content = {name: ELICITED[name] for name in params.requested_schema["properties"]}
        return types.ElicitResult(action="accept", content=content)

    async def roots(self, _context):
        return types.ListRootsResult(roots=[types.Root(uri=ROOT)])

    async def sample(self, _context, params):
        self.samplings.append(params)
        return types.CreateMessageResult(
            role="assistant",
            content=types.TextContent(type="text", text=SAMPLED),
            model="test-model",
            stop_reason="endTurn",
        )

    def called(self):
        """The methods of all requests."""
        bodies = [json.loads(one.request.content or "{}") for one in self.exchanges]
        return [body.get("method") for body in bodies]

    def was_sessionless(self):
        """Nothing of a session went over the wire."""
        seen = [
            (
                one.request.method,
                one.request.headers.get("mcp-protocol-version"),
                one.request.headers.get("mcp-session-id") or one.headers.get("mcp-session-id"),
            )
            for one in self.exchanges
        ]
        check(f"only {SESSIONLESS} was spoken", set(seen) == {("POST", SESSIONLESS, None)}, seen)

    def was_session_oriented(self):
        """An `initialize` went over the wire, and a session after it."""
        called = self.called()
        check("the first request is initialize", called[0] == "initialize", called)
        session = self.exchanges[0].headers.get("mcp-session-id")
        seen = [
            (
                one.request.headers.get("mcp-protocol-version"),
                one.request.headers.get("mcp-session-id"),
            )
            for one in self.exchanges[1:]
        ]
        spoken = bool(session) and set(seen) == {(SESSION_ORIENTED, session)}
        check(f"only {SESSION_ORIENTED} was spoken", spoken, seen)


async def initialised(client, recorder):
    capabilities = client.server_capabilities
    for name in ("tools", "resources", "prompts", "completions", "logging"):
        check(f"the capability {name} is declared", getattr(capabilities, name) is not None, capabilities)
    check("resources can be subscribed", capabilities.resources.subscribe is True, capabilities)
    check(f"{SESSION_ORIENTED} is negotiated", client.protocol_version == SESSION_ORIENTED, client.protocol_version)
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
        all(part in answer for part in ("accept", ELICITED["username"], ELICITED["email"])),
        elicited,
    )

    sampled = await client.call_tool("test_sampling", {"prompt": "Say something."})
    check(
        "the sampling request carries its limit",
        [one.max_tokens for one in recorder.samplings] == [100],
        recorder.samplings,
    )
    check("the sampled answer reaches the tool", SAMPLED in sampled.content[0].text, sampled)


async def rounds(client, recorder):
    async def said(tool):
        return (await client.call_tool(tool, {})).content[0].text

    before = len(recorder.elicitations)
    answer = await said("test_input_required_result_multi_round")
    check("a tool asks twice", answer == "Ada likes teal.", answer)
    messages = [one.message[:6] for one in recorder.elicitations[before:]]
    check("every question is asked once", messages == ["Step 1", "Step 2"], messages)

    answer = await said("test_input_required_result_request_state")
    check("the state of a call comes back", answer == "state-ok, confirmed: true", answer)
    answer = await said("test_input_required_result_multiple_inputs")
    check(
        "user, model and roots are asked at once",
        all(one in answer for one in (ELICITED["name"], SAMPLED, ROOT)),
        answer,
    )

    prompt = await client.get_prompt("test_input_required_result_prompt")
    check("a prompt asks, too", ELICITED["context"] in prompt.messages[0].content.text, prompt)


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


async def logging_per_request(client, recorder):
    await client.call_tool("test_tool_with_logging", {})
    await client.call_tool("test_tool_with_logging", {}, meta={types.LOG_LEVEL_META_KEY: "error"})
    check("no log message arrives that was not asked for", not recorder.logs, recorder.logs)
    await client.call_tool("test_tool_with_logging", {}, meta={types.LOG_LEVEL_META_KEY: "info"})
    levels = [one.level for one in recorder.logs]
    check("three log messages arrive", levels == ["info"] * 3, recorder.logs)


async def listening(client):
    watched = "test://watched-resource"

    async def has_extra():
        return "test_extra" in [tool.name for tool in (await client.list_tools()).tools]

    async with client.listen(tools_list_changed=True, resource_subscriptions=[watched]) as changes:
        honored = changes.honored
        check(
            "the subscription is acknowledged",
            honored.tools_list_changed is True
            and honored.prompts_list_changed is None
            and honored.resource_subscriptions == [watched],
            honored,
        )
        had = await has_extra()
        for has in (not had, had):
            await client.call_tool("test_trigger_prompt_change", {})
            await client.call_tool("test_trigger_tool_change", {})
            with anyio.fail_after(ARRIVES_WITHIN_SECONDS):
                change = await anext(changes)
            check("a change of the tools is heard, and nothing else", change == ToolsListChanged(), change)
            check("the change is listed", await has_extra() is has, has)


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
                "mcp-protocol-version": SESSION_ORIENTED,
                "mcp-session-id": deletions[0].request.headers["mcp-session-id"],
            },
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        )
    check("an ended session is not found", late.status_code == 404, late.status_code)


def connected(url, http, recorder, mode):
    """A client that answers every question."""
    return Client(
        streamable_http_client(url, http_client=http),
        mode=mode,
        client_info=types.Implementation(name="interop-python", version="1.0.0"),
        sampling_callback=recorder.sample,
        elicitation_callback=recorder.elicit,
        list_roots_callback=recorder.roots,
        logging_callback=recorder.log,
        message_handler=recorder.message,
    )


async def session_oriented(url):
    recorder = Recorder()
    async with recorder.http_client() as http:
        async with connected(url, http, recorder, "legacy") as client:
            await initialised(client, recorder)
            await catalogue(client)
            await contents(client)
            await progress(client)
            await asks(client, recorder)
            await rounds(client, recorder)
            await subscription(client)
            await completion(client)
            await logging(client, recorder)
            await resumption(client, recorder)
            check("no error was reported by the client", not recorder.errors, recorder.errors)
        await farewell(url, recorder)
    recorder.was_session_oriented()


async def discovered(client, recorder):
    check(f"{SESSIONLESS} is negotiated", client.protocol_version == SESSIONLESS, client.protocol_version)
    check("it was discovered", recorder.called() == ["server/discover"], recorder.called())
    capabilities = client.server_capabilities
    for name in ("tools", "resources", "prompts", "completions", "logging"):
        check(f"the capability {name} is discovered", getattr(capabilities, name) is not None, capabilities)
    check("the server names itself", bool(client.server_info.name), client.server_info)


async def sessionless(url):
    """The package's default asks with `server/discover` first, and so finds the newer era."""
    recorder = Recorder()
    async with recorder.http_client() as http:
        async with connected(url, http, recorder, "auto") as client:
            await discovered(client, recorder)
            await catalogue(client)
            await contents(client)
            await progress(client)
            before = len(recorder.exchanges)
            await asks(client, recorder)
            sent = recorder.called()[before:]
            check("every answer is sent with the call itself", sent == ["tools/call"] * 4, sent)
            await rounds(client, recorder)
            await completion(client)
            await logging_per_request(client, recorder)
            await listening(client)
            check("no error was reported by the client", not recorder.errors, recorder.errors)
    recorder.was_sessionless()


async def undiscovered(url):
    """A client that knows the revision needs no request before its first call."""
    recorder = Recorder()
    async with recorder.http_client() as http:
        async with connected(url, http, recorder, SESSIONLESS) as client:
            result = await client.call_tool("test_simple_text", {})
            check("a tool is called at once", len(result.content[0].text) > 0, result)
    check("the call came first", recorder.called()[0] == "tools/call", recorder.called())
    recorder.was_sessionless()


async def main(url):
    with anyio.fail_after(DEADLINE_SECONDS):
        await session_oriented(url)
        await sessionless(url)
        await undiscovered(url)
    print("python_client: all steps passed", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: {sys.argv[0]} SERVER_URL")
    anyio.run(main, sys.argv[1])
