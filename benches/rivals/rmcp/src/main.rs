//! The bench server's tools and its resource, with rmcp over Streamable HTTP.
//!
//! The router of tools is made once and shared by all handlers; its macros' examples make one for
//! each session and each request, which costs several times as much. `--json` answers without
//! sessions in plain JSON, which is the least it can do.

use std::{io::Write, sync::Arc};

use axum::serve::ListenerExt;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    handler::server::{
        common::schema_for_input,
        router::tool::{ToolRoute, ToolRouter},
        tool::ToolCallContext,
        wrapper::Parameters,
    },
    model::{
        CallToolRequestParams, CallToolResponse, Implementation, ListResourcesResult,
        ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
        ReadResourceResult, Resource, ResourceContents, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use tokio::net::TcpListener;

const TOOLS: usize = 22;
const URI: &str = "bench://fox";
const TEXT: &str = "The quick brown fox jumps over the lazy dog.";

type Error = Box<dyn std::error::Error + Send + Sync>;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Echo {
    /// What to say.
    text: String,
}

async fn echo(Parameters(Echo { text }): Parameters<Echo>) -> String {
    text
}

/// What every session and every request shares.
struct Bench {
    tools: ToolRouter<Self>,
}

impl Bench {
    fn new() -> Result<Self, Error> {
        let schema = schema_for_input::<Echo>()?;
        let tool = |name: String, description| Tool::new(name, description, Arc::clone(&schema));
        let mut tools = ToolRouter::new();
        tools.add_route(ToolRoute::new(
            tool("echo".to_owned(), "Say it again"),
            echo,
        ));
        for number in 1..TOOLS {
            tools.add_route(ToolRoute::new(
                tool(format!("tool_{number}"), "Say it again, too"),
                echo,
            ));
        }
        Ok(Self { tools })
    }
}

impl ServerHandler for Bench {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_resources()
            .build();
        let mut config = ServerConfig::new(capabilities);
        config.server_info = Implementation::new("bench", "1.0.0");
        config
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let call = ToolCallContext::new(self, request, context);
        self.tools.call(call).await
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.list_all()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.get(name).cloned()
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let fox = Resource::new(URI, "fox");
        Ok(ListResourcesResult::with_all_items(vec![fox]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if request.uri != URI {
            return Err(ErrorData::resource_not_found("no such resource", None));
        }
        let contents = ResourceContents::text(TEXT, request.uri);
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let json = std::env::args().any(|argument| argument == "--json");
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(!json)
        .with_json_response(json);
    let bench = Arc::new(Bench::new()?);
    let service: StreamableHttpService<Arc<Bench>, LocalSessionManager> =
        StreamableHttpService::new(
            move || Ok(Arc::clone(&bench)),
            Arc::default(),
            config,
        );
    let app = axum::Router::new().route_service("/mcp", service);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut out = std::io::stdout();
    writeln!(out, "ready {}", listener.local_addr()?)?;
    out.flush()?;
    // An answer of two writes would else wait for an ACK.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await?;
    Ok(())
}
