//! The protocol revisions, and the one table of what differs between them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A published revision of the Model Context Protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Revision {
    /// 2024-11-05, served over Streamable HTTP and byte streams (not over HTTP+SSE).
    V2024_11_05,
    /// 2025-03-26, the only one with JSON-RPC batches.
    V2025_03_26,
    /// 2025-06-18
    V2025_06_18,
    /// 2025-11-25, the latest session-oriented one.
    V2025_11_25,
    /// 2026-07-28, the first without sessions.
    V2026_07_28,
}

/// How client and server relate to each other from one request to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two ways the revisions know")]
pub enum Era {
    /// `initialize` opens a session, and the server may ask the client on its own accord.
    Sessions,
    /// Each request says all there is to know; what the server asks is a result (SEP-2322), a
    /// broken stream is not resumed, and `subscriptions/listen` replaces the session's own stream.
    Sessionless,
}

impl Revision {
    /// Every revision this crate serves, oldest first.
    pub const ALL: [Self; 5] = [
        Self::V2024_11_05,
        Self::V2025_03_26,
        Self::V2025_06_18,
        Self::V2025_11_25,
        Self::V2026_07_28,
    ];

    /// The revisions that know `initialize`, oldest first.
    pub const LEGACY: [Self; 4] = [
        Self::V2024_11_05,
        Self::V2025_03_26,
        Self::V2025_06_18,
        Self::V2025_11_25,
    ];

    /// The newest revision.
    pub const LATEST: Self = Self::V2026_07_28;

    /// What an unknown `protocolVersion` at `initialize` is answered with.
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;

    /// The revision as it is written on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The revision written as `text`, if this crate knows it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }

    /// What holds in this revision.
    #[must_use]
    pub const fn rules(self) -> &'static Rules {
        match self {
            Self::V2024_11_05 => &RULES_2024_11_05,
            Self::V2025_03_26 => &RULES_2025_03_26,
            Self::V2025_06_18 => &RULES_2025_06_18,
            Self::V2025_11_25 => &RULES_2025_11_25,
            Self::V2026_07_28 => &RULES_2026_07_28,
        }
    }

    /// Its place in [`ALL`](Self::ALL).
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// Whether it has sessions.
    #[must_use]
    pub const fn era(self) -> Era {
        self.rules().era
    }

    /// Whether `initialize` may agree on it.
    #[must_use]
    pub const fn is_session_oriented(self) -> bool {
        matches!(self.era(), Era::Sessions)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Revision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Revision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("unknown protocol revision"))
    }
}

/// How wrong arguments of a tool are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the two ways the revisions know")]
pub enum ArgumentErrors {
    /// As a result with `isError: true`, which the model reads and can correct (SEP-1303).
    Result,
    /// As a JSON-RPC error −32602.
    InvalidParams,
}

/// One row of the table: what a revision has.
///
/// A field that a revision lacks is left out of what is sent to its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "a table of yes and no")]
pub struct Rules {
    /// Whether there are sessions.
    pub era: Era,
    /// JSON-RPC batches may be sent by the client.
    pub batches: bool,
    /// A stream begins with an event that has an id and empty data (SEP-1699).
    pub priming_event: bool,
    /// How wrong tool arguments are reported.
    pub argument_errors: ArgumentErrors,
    /// The error code of an unknown resource.
    pub resource_not_found: i64,
    /// `annotations` of a tool.
    pub tool_annotations: bool,
    /// Content of type `audio`.
    pub audio_content: bool,
    /// `message` in progress notifications.
    pub progress_message: bool,
    /// The server capability `completions`.
    pub completions_capability: bool,
    /// `title` beside `name`, and `_meta` on listed items and contents.
    pub titles: bool,
    /// `outputSchema` of a tool and `structuredContent` of its result.
    pub structured_content: bool,
    /// Content of type `resource_link`.
    pub resource_links: bool,
    /// `elicitation/create` with a form.
    pub elicitation: bool,
    /// `context` of `completion/complete`.
    pub completion_context: bool,
    /// `annotations.lastModified`.
    pub last_modified: bool,
    /// `icons` and an implementation's `description` and `websiteUrl`.
    pub icons: bool,
    /// `elicitation/create` with a URL, and in forms titled and multi-select enums and defaults.
    pub elicitation_url: bool,
    /// `tools` and `toolChoice` in `sampling/createMessage`, and messages of several pieces.
    pub sampling_tools: bool,
    /// `elicitationId` of a URL elicitation, `notifications/elicitation/complete` and the error
    /// −32042.
    pub elicitation_id: bool,
    /// `_meta` in the parameters of `elicitation/create` and `sampling/createMessage`.
    pub question_meta: bool,
    /// `resultType`, which every result then has (SEP-2322).
    pub result_type: bool,
    /// `ttlMs` and `cacheScope`, which every result that can be cached then has (SEP-2549).
    pub caching: bool,
    /// `structuredContent` may be any JSON and `outputSchema` any schema, not only of an object
    /// (SEP-2106).
    pub structured_any: bool,
    /// `extensions` among the capabilities.
    pub extensions: bool,
}

const RULES_2024_11_05: Rules = Rules {
    era: Era::Sessions,
    batches: false,
    priming_event: false,
    argument_errors: ArgumentErrors::InvalidParams,
    resource_not_found: -32002,
    tool_annotations: false,
    audio_content: false,
    progress_message: false,
    completions_capability: false,
    titles: false,
    structured_content: false,
    resource_links: false,
    elicitation: false,
    completion_context: false,
    last_modified: false,
    icons: false,
    elicitation_url: false,
    sampling_tools: false,
    elicitation_id: false,
    question_meta: true,
    result_type: false,
    caching: false,
    structured_any: false,
    extensions: false,
};

const RULES_2025_03_26: Rules = Rules {
    batches: true,
    tool_annotations: true,
    audio_content: true,
    progress_message: true,
    completions_capability: true,
    ..RULES_2024_11_05
};

const RULES_2025_06_18: Rules = Rules {
    batches: false,
    titles: true,
    structured_content: true,
    resource_links: true,
    elicitation: true,
    completion_context: true,
    last_modified: true,
    ..RULES_2025_03_26
};

const RULES_2025_11_25: Rules = Rules {
    priming_event: true,
    argument_errors: ArgumentErrors::Result,
    icons: true,
    elicitation_url: true,
    sampling_tools: true,
    elicitation_id: true,
    ..RULES_2025_06_18
};

const RULES_2026_07_28: Rules = Rules {
    era: Era::Sessionless,
    priming_event: false,
    resource_not_found: -32602,
    elicitation_id: false,
    question_meta: false,
    result_type: true,
    caching: true,
    structured_any: true,
    extensions: true,
    ..RULES_2025_11_25
};
