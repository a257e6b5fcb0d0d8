//! Prompts about the notes.

use mcp_core::{
    Args, McpRouter, Prompt, State,
    handler::RequestError,
    protocol::{ContentBlock, PromptMessage, ResourceContents},
};

use crate::{
    notes::{NoteId, Notes},
    resources::{ALL_NOTES, complete_id},
};

/// The prompts.
pub(crate) fn router() -> McpRouter<Notes> {
    McpRouter::new()
        .prompt(
            Prompt::new("review_note")
                .title("Review a note")
                .description("Find out what is missing or unclear in a note")
                .handler(review_note)
                .complete("id", complete_id),
        )
        .prompt(
            Prompt::new("weekly_summary")
                .title("Weekly summary")
                .description("Sum up all notes as a plan for the week")
                .handler(weekly_summary),
        )
}

async fn review_note(
    State(notes): State<Notes>,
    Args(NoteId { id }): Args<NoteId>,
) -> Result<Vec<PromptMessage>, RequestError> {
    let note = notes
        .get(id)
        .ok_or_else(|| RequestError::invalid_arguments(format!("there is no note {id}")))?;
    let text = serde_json::to_string(&note)?;
    Ok(vec![
        PromptMessage::user(json(note.uri(), text)),
        PromptMessage::user("Review this note: what is missing, unclear or out of date?"),
    ])
}

async fn weekly_summary(State(notes): State<Notes>) -> Result<Vec<PromptMessage>, RequestError> {
    let text = serde_json::to_string(&notes.all())?;
    Ok(vec![
        PromptMessage::user(json(ALL_NOTES, text)),
        PromptMessage::user("Sum up these notes as a plan for the week, most urgent first."),
    ])
}

fn json(uri: impl Into<String>, text: String) -> ContentBlock {
    ContentBlock::embedded(ResourceContents::text(uri, text).mime_type("application/json"))
}
