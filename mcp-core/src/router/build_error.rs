//! Why a router cannot be built.

/// Why a router cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two tools have this name.
    #[error("two tools are called `{0}`")]
    DuplicateTool(String),
    /// Two prompts have this name.
    #[error("two prompts are called `{0}`")]
    DuplicatePrompt(String),
    /// Two resources have this URI.
    #[error("two resources have the URI `{0}`")]
    DuplicateResource(String),
    /// Two resource templates are written like this.
    #[error("two resource templates are `{0}`")]
    DuplicateTemplate(String),
    /// This cannot be the name of a tool.
    #[error("`{0}` cannot name a tool: 1 to 128 characters of `A-Z a-z 0-9 _ - .` can")]
    InvalidName(String),
    /// A tool's schema is not one of objects.
    #[error("the schema of the tool `{tool}` cannot be used: {why}")]
    InvalidSchema {
        /// The tool.
        tool: String,
        /// What is wrong with the schema.
        why: String,
    },
    /// A resource's URI is empty or has no scheme.
    #[error("`{0}` cannot be the URI of a resource: it has no scheme")]
    InvalidUri(String),
    /// A URI template is not understood.
    #[error("the resource template `{template}` cannot be used: {why}")]
    InvalidTemplate {
        /// The template.
        template: String,
        /// What is wrong with it.
        why: String,
    },
    /// A prompt has no name, or its arguments cannot be listed.
    #[error("the prompt `{prompt}` cannot be used: {why}")]
    InvalidPrompt {
        /// The prompt.
        prompt: String,
        /// What is wrong with it.
        why: String,
    },
    /// A completer is for an argument that its prompt or template does not have.
    #[error("`{item}` has no argument `{argument}` to complete")]
    UnknownArgument {
        /// The prompt or the template.
        item: String,
        /// The argument.
        argument: String,
    },
    /// An item cannot be written as JSON.
    #[error("`{item}` cannot be written as JSON: {why}")]
    Unwritable {
        /// The item.
        item: String,
        /// What is wrong with it.
        why: String,
    },
    /// The id of an instance cannot be part of other ids.
    #[error("`{0}` cannot name an instance: visible ASCII without a dot can, up to 64 characters")]
    InvalidInstance(String),
    /// A bound of the server is zero, or longer than ten years.
    #[error("the limit `{0}` cannot be used: more than zero and at most ten years can")]
    InvalidLimit(&'static str),
    /// Some callers may not see it, and it is said to be for everyone.
    #[error("`{0}` is filtered by caller, so it cannot be public")]
    PublicButFiltered(String),
    /// No revision is left to speak.
    #[error("no protocol revision is served")]
    NoRevision,
}
