//! What the model can do with the notes.

use std::time::Duration;

use mcp_core::{Args, AskError, Context, ElicitForm, Json, McpRouter, State, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    notes::{self, Note, NoteId, Notes},
    resources::ALL_NOTES,
};

/// As long as reading a note takes, so that there is something to watch and to cancel.
const READING: Duration = Duration::from_millis(200);

/// The tools.
pub(crate) fn router() -> McpRouter<Notes> {
    McpRouter::new()
        .tool(
            Tool::new("create_note")
                .title("Create a note")
                .description("Write down a new note")
                .additive()
                .closed_world()
                .handler(create_note),
        )
        .tool(
            Tool::new("search_notes")
                .title("Search notes")
                .description("Find the notes that contain a text in title, body or tags")
                .read_only()
                .closed_world()
                .handler(search_notes),
        )
        .tool(
            Tool::new("list_notes")
                .title("List notes")
                .description("List all notes, oldest first")
                .read_only()
                .closed_world()
                .handler(list_notes),
        )
        .tool(
            Tool::new("summarise_notes")
                .title("Summarise notes")
                .description("Read every note, one after the other, and sum them up")
                .read_only()
                .closed_world()
                .handler(summarise_notes),
        )
        .tool(
            Tool::new("delete_note")
                .title("Delete a note")
                .description("Delete a note for good, after the user has confirmed it")
                .destructive()
                .closed_world()
                .handler(delete_note),
        )
}

/// A note to write down.
#[derive(Debug, Deserialize, JsonSchema)]
struct Draft {
    /// What the note is about, in one line
    title: String,
    /// What the note says
    body: String,
    /// Words to find the note by
    #[serde(default)]
    tags: Vec<String>,
}

async fn create_note(
    State(notes): State<Notes>,
    ctx: Context,
    Args(draft): Args<Draft>,
) -> Result<Json<Note>, ToolError> {
    if draft.title.trim().is_empty() {
        return Err(ToolError::new("`title` must not be empty"));
    }
    let note = notes.create(draft.title, draft.body, draft.tags);
    ctx.resource_updated(ALL_NOTES).await;
    Ok(Json(note))
}

/// What to look for.
#[derive(Debug, Deserialize, JsonSchema)]
struct Query {
    /// A text that the notes contain, in upper or lower case
    query: String,
}

/// Some notes.
#[derive(Debug, Serialize, JsonSchema)]
struct Found {
    /// How many there are.
    count: usize,
    /// The notes.
    notes: Vec<Note>,
}

impl From<Vec<Note>> for Found {
    fn from(notes: Vec<Note>) -> Self {
        Self {
            count: notes.len(),
            notes,
        }
    }
}

async fn search_notes(State(notes): State<Notes>, Args(wanted): Args<Query>) -> Json<Found> {
    Json(notes.search(&wanted.query).into())
}

async fn list_notes(State(notes): State<Notes>) -> Json<Found> {
    Json(notes.all().into())
}

/// All notes in short.
#[derive(Debug, Serialize, JsonSchema)]
struct Summary {
    /// How many notes were read.
    count: usize,
    /// One line for each note.
    lines: Vec<String>,
}

/// Cancelling needs no code here: the future is dropped while it waits for the next note.
async fn summarise_notes(State(notes): State<Notes>, ctx: Context) -> Json<Summary> {
    let notes = notes.all();
    let total = u32::try_from(notes.len()).map(f64::from).ok();
    let mut lines = Vec::with_capacity(notes.len());
    for (done, note) in (1..).zip(&notes) {
        lines.push(read(note).await);
        ctx.progress(f64::from(done), total, note.title.as_str())
            .await;
    }
    Json(Summary {
        count: lines.len(),
        lines,
    })
}

/// Takes its time, and gives the note's first sentence.
#[expect(clippy::disallowed_methods, reason = "stands for real work")]
async fn read(note: &Note) -> String {
    tokio::time::sleep(READING).await;
    let first = note.body.split('.').next().unwrap_or_default();
    format!("{}: {first}", note.title)
}

/// What the user is asked before a note is deleted.
#[derive(Debug, Deserialize, JsonSchema)]
struct Confirm {
    /// Delete the note for good
    delete: bool,
}

/// What became of a note.
#[derive(Debug, Serialize, JsonSchema)]
struct Deleted {
    /// The number of the note.
    id: u64,
    /// Whether it is gone.
    deleted: bool,
}

async fn delete_note(
    State(notes): State<Notes>,
    ctx: Context,
    Args(NoteId { id }): Args<NoteId>,
) -> Result<Json<Deleted>, ToolError> {
    let missing = || ToolError::new(format!("there is no note {id}; list_notes shows all"));
    let note = notes.get(id).ok_or_else(missing)?;
    let question = ElicitForm::<Confirm>::of(format!("Delete the note \"{}\"?", note.title));
    let answer = match ctx.elicit("confirm", question).await {
        Err(AskError::NotSupported(_)) => {
            return Err(ToolError::new(format!(
                "note {id} was not deleted: the user has to confirm it, and this client cannot ask \
                 its user. Tell the user that deleting needs a client that supports elicitation."
            )));
        }
        answer => answer?.accepted()?,
    };
    if answer.delete {
        // Somebody else may have been faster while the user was thinking.
        if !notes.delete(id) {
            return Err(missing());
        }
        ctx.resource_updated(ALL_NOTES).await;
        ctx.resource_updated(&notes::uri(id)).await;
    }
    Ok(Json(Deleted {
        id,
        deleted: answer.delete,
    }))
}
