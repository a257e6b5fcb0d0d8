//! The names of requests and notifications.

use std::fmt;

use bytestring::ByteString;

use super::Era;

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What a message asks for or tells.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Method {
            $($(#[$doc])* $name,)*
            /// A name this crate does not know.
            Other(ByteString),
        }

        impl Method {
            /// Every name this crate knows.
            pub(crate) const KNOWN: &[Self] = &[$(Self::$name,)*];

            /// The method called `name`, unless it is an unknown one.
            #[must_use]
            pub fn known(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its place in [`KNOWN`](Self::KNOWN); unknown names come behind.
            pub(crate) fn index(&self) -> usize {
                enum Index {
                    $($name,)*
                    Other,
                }
                let index = match self {
                    $(Self::$name => Index::$name,)*
                    Self::Other(_) => Index::Other,
                };
                index as usize
            }

            /// The name as it is written on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(name) => name,
                }
            }

            /// The name as a label of metrics: unknown names are all `"_OTHER"`.
            #[must_use]
            pub fn label(&self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(_) => "_OTHER",
                }
            }
        }
    };
}

methods! {
    /// `initialize`
    Initialize = "initialize",
    /// `server/discover` (2026-07-28)
    Discover = "server/discover",
    /// `ping`
    Ping = "ping",
    /// `tools/list`
    ToolsList = "tools/list",
    /// `tools/call`
    ToolsCall = "tools/call",
    /// `resources/list`
    ResourcesList = "resources/list",
    /// `resources/templates/list`
    ResourceTemplatesList = "resources/templates/list",
    /// `resources/read`
    ResourcesRead = "resources/read",
    /// `resources/subscribe`
    ResourcesSubscribe = "resources/subscribe",
    /// `resources/unsubscribe`
    ResourcesUnsubscribe = "resources/unsubscribe",
    /// `prompts/list`
    PromptsList = "prompts/list",
    /// `prompts/get`
    PromptsGet = "prompts/get",
    /// `completion/complete`
    Complete = "completion/complete",
    /// `logging/setLevel`
    SetLevel = "logging/setLevel",
    /// `subscriptions/listen` (2026-07-28)
    SubscriptionsListen = "subscriptions/listen",
    /// `notifications/initialized`
    Initialized = "notifications/initialized",
    /// `notifications/cancelled`
    Cancelled = "notifications/cancelled",
    /// `notifications/progress`
    Progress = "notifications/progress",
    /// `notifications/message`
    LogMessage = "notifications/message",
    /// `notifications/resources/updated`
    ResourceUpdated = "notifications/resources/updated",
    /// `notifications/resources/list_changed`
    ResourceListChanged = "notifications/resources/list_changed",
    /// `notifications/tools/list_changed`
    ToolListChanged = "notifications/tools/list_changed",
    /// `notifications/prompts/list_changed`
    PromptListChanged = "notifications/prompts/list_changed",
    /// `notifications/roots/list_changed`
    RootsListChanged = "notifications/roots/list_changed",
    /// `notifications/elicitation/complete`
    ElicitationComplete = "notifications/elicitation/complete",
    /// `notifications/subscriptions/acknowledged` (2026-07-28)
    SubscriptionsAcknowledged = "notifications/subscriptions/acknowledged",
    /// `sampling/createMessage`
    CreateMessage = "sampling/createMessage",
    /// `elicitation/create`
    ElicitationCreate = "elicitation/create",
    /// `roots/list`
    RootsList = "roots/list",
}

impl Method {
    /// Whether a client may ask for it in this era.
    ///
    /// False for notifications, for what a server asks of a client, and for unknown names.
    #[must_use]
    pub const fn is_served_in(&self, era: Era) -> bool {
        match self {
            Self::ToolsList
            | Self::ToolsCall
            | Self::ResourcesList
            | Self::ResourceTemplatesList
            | Self::ResourcesRead
            | Self::PromptsList
            | Self::PromptsGet
            | Self::Complete => true,
            Self::Initialize
            | Self::Ping
            | Self::ResourcesSubscribe
            | Self::ResourcesUnsubscribe
            | Self::SetLevel => matches!(era, Era::Sessions),
            Self::Discover | Self::SubscriptionsListen => matches!(era, Era::Sessionless),
            _ => false,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&str> for Method {
    fn from(name: &str) -> Self {
        Self::known(name).unwrap_or_else(|| Self::Other(name.into()))
    }
}
