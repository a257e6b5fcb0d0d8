//! Tools whose results have every kind of content.

use mcp_core::{McpRouter, Tool, ToolResult, protocol::ResourceContents};

/// One red pixel.
pub(crate) const PNG: [u8; 69] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53,
    0xde, 0x00, 0x00, 0x00, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0xf8, 0xcf, 0xc0, 0x00,
    0x00, 0x03, 0x01, 0x01, 0x00, 0xf7, 0x03, 0x41, 0x43, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e,
    0x44, 0xae, 0x42, 0x60, 0x82,
];

/// Eight samples of silence, 8 bits each at 8 kHz.
const WAV: [u8; 52] = [
    0x52, 0x49, 0x46, 0x46, 0x2c, 0x00, 0x00, 0x00, 0x57, 0x41, 0x56, 0x45, 0x66, 0x6d, 0x74, 0x20,
    0x10, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x40, 0x1f, 0x00, 0x00, 0x40, 0x1f, 0x00, 0x00,
    0x01, 0x00, 0x08, 0x00, 0x64, 0x61, 0x74, 0x61, 0x08, 0x00, 0x00, 0x00, 0x80, 0x80, 0x80, 0x80,
    0x80, 0x80, 0x80, 0x80,
];

/// The tools.
pub(crate) fn router() -> McpRouter {
    McpRouter::new()
        .tool(
            Tool::new("test_image_content")
                .description("Answers with a picture")
                .handler(image),
        )
        .tool(
            Tool::new("test_audio_content")
                .description("Answers with a recording")
                .handler(audio),
        )
        .tool(
            Tool::new("test_embedded_resource")
                .description("Answers with a resource")
                .handler(embedded_resource),
        )
        .tool(
            Tool::new("test_multiple_content_types")
                .description("Answers with a text, a picture and a resource")
                .handler(multiple),
        )
}

async fn image() -> ToolResult {
    ToolResult::new().image(PNG, "image/png")
}

async fn audio() -> ToolResult {
    ToolResult::new().audio(WAV, "audio/wav")
}

async fn embedded_resource() -> ToolResult {
    let contents = ResourceContents::text(
        "test://embedded-resource",
        "This is an embedded resource content.",
    );
    ToolResult::new().embedded(contents.mime_type("text/plain"))
}

async fn multiple() -> ToolResult {
    let contents = ResourceContents::text(
        "test://mixed-content-resource",
        r#"{"test":"data","value":123}"#,
    );
    ToolResult::new()
        .text("Multiple content types test:")
        .image(PNG, "image/png")
        .embedded(contents.mime_type("application/json"))
}
