//! The notes as resources.

use mcp_core::{
    Args, Json, McpRouter, Resource, ResourceTemplate, State, handler::CompletionRequest,
};

use crate::notes::{Note, NoteId, Notes};

/// The resource with every note.
pub(crate) const ALL_NOTES: &str = "notes://all";

/// The resources.
pub(crate) fn router() -> McpRouter<Notes> {
    McpRouter::new()
        .resource(
            Resource::new(ALL_NOTES, "all")
                .title("All notes")
                .description("Every note, oldest first")
                .mime_type("application/json")
                .handler(all_notes),
        )
        .resource_template(
            ResourceTemplate::new("notes://{id}", "note")
                .title("A note")
                .description("One note")
                .mime_type("application/json")
                .handler(read_note)
                .complete("id", complete_id),
        )
}

async fn all_notes(State(notes): State<Notes>) -> Json<Vec<Note>> {
    Json(notes.all())
}

/// `None` is answered as a resource that does not exist.
async fn read_note(
    State(notes): State<Notes>,
    Args(NoteId { id }): Args<NoteId>,
) -> Option<Json<Note>> {
    notes.get(id).map(Json)
}

/// The numbers of notes, for the template and for prompts.
pub(crate) async fn complete_id(
    State(notes): State<Notes>,
    wanted: CompletionRequest,
) -> Vec<String> {
    notes.ids_beginning_with(&wanted.value)
}
