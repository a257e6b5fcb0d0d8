//! The client, and whoever answers for it.

#![expect(
    deprecated,
    reason = "what the newest revision gives up is what these revisions have"
)]

use rmcp::{
    ClientHandler, ErrorData, RoleClient, ServiceExt,
    model::{
        CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig,
        CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult,
        ElicitationAction, ElicitationCapability, Implementation, JsonObject, LoggingLevel,
        LoggingMessageNotificationParam, ProgressNotificationParam, ProtocolVersion,
        SamplingCapability, SamplingMessage,
    },
    service::{NotificationContext, RequestContext, RunningService},
    transport::StreamableHttpClientTransport,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// A client with a session.
pub(crate) type Client = RunningService<RoleClient, User>;

/// Who sits before the client: gives every answer, and passes on what it is told.
pub(crate) struct User {
    progress: mpsc::UnboundedSender<Progress>,
    log: mpsc::UnboundedSender<Line>,
    action: ElicitationAction,
    revision: ProtocolVersion,
}

/// How far, and of how much.
type Progress = (f64, Option<f64>);
type Line = (LoggingLevel, Value);

/// What the server told a user.
pub(crate) struct Told {
    pub(crate) progress: mpsc::UnboundedReceiver<Progress>,
    pub(crate) log: mpsc::UnboundedReceiver<Line>,
}

impl User {
    /// A user, and what it will be told.
    pub(crate) fn listening() -> (Self, Told) {
        let (to_progress, progress) = mpsc::unbounded_channel();
        let (to_log, log) = mpsc::unbounded_channel();
        let user = Self {
            progress: to_progress,
            log: to_log,
            action: ElicitationAction::Accept,
            revision: ProtocolVersion::default(),
        };
        (user, Told { progress, log })
    }

    /// A user who does this with every question.
    pub(crate) fn who(action: ElicitationAction) -> Self {
        Self {
            action,
            ..Self::default()
        }
    }

    /// A user whose client asks for this revision.
    pub(crate) fn at(revision: ProtocolVersion) -> Self {
        Self {
            revision,
            ..Self::default()
        }
    }
}

impl Default for User {
    fn default() -> Self {
        Self::listening().0
    }
}

impl ClientHandler for User {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        capabilities.sampling = Some(SamplingCapability::default());
        capabilities.elicitation = Some(ElicitationCapability::default());
        ClientConfig::new(capabilities, Implementation::new("rmcp-client", "1.0.0"))
            .with_protocol_version(self.revision.clone())
    }

    async fn create_message(
        &self,
        params: CreateMessageRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        let asked = params.messages[0].content.first().unwrap();
        let text = format!(
            "{} tokens about: {}",
            params.max_tokens,
            asked.as_text().unwrap().text
        );
        let message = SamplingMessage::assistant_text(text);
        Ok(CreateMessageResult::new(message, "test-model".to_owned())
            .with_stop_reason(CreateMessageResult::STOP_REASON_END_TURN))
    }

    async fn create_elicitation(
        &self,
        params: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let ElicitRequestParams::FormElicitationParams {
            message,
            requested_schema,
            ..
        } = params
        else {
            return Err(ErrorData::invalid_params("a form is expected", None));
        };
        let answer = ElicitResult::new(self.action.clone());
        if self.action != ElicitationAction::Accept {
            return Ok(answer);
        }
        // Shows the server what the client has understood.
        let mut username = message;
        for field in requested_schema.properties.keys() {
            username.push(' ');
            username.push_str(field);
        }
        Ok(answer.with_content(json!({ "username": username, "email": "test@example.com" })))
    }

    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.progress.send((params.progress, params.total)).ok();
    }

    async fn on_logging_message(
        &self,
        params: LoggingMessageNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.log.send((params.level, params.data)).ok();
    }
}

/// Begins a session with `initialize`, as the client does unless told otherwise.
pub(crate) async fn connect(user: User, url: &str) -> Client {
    let transport = StreamableHttpClientTransport::from_uri(url);
    user.serve(transport).await.unwrap()
}

/// The members of an object.
pub(crate) fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is not an object"),
    }
}

/// Calls a tool.
pub(crate) async fn call(client: &Client, tool: &'static str, arguments: Value) -> CallToolResult {
    let params = CallToolRequestParams::new(tool).with_arguments(object(arguments));
    client.call_tool(params).await.unwrap()
}

/// The only text of a result.
pub(crate) fn text(result: &CallToolResult) -> &str {
    match &result.content[..] {
        [only] => &only.as_text().unwrap().text,
        other => panic!("{other:?}"),
    }
}
