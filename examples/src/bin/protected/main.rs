//! A server that wants access tokens: JSON Web Tokens of one issuer, issued for this server.

mod jwks;

use std::{process::ExitCode, sync::Arc};

use clap::Parser;
use mcp_core::{Context, McpRouter, Tool, auth::Scopes};
use mcp_examples::Flags;
use mcp_transport_http::auth::ProtectedResource;

use crate::jwks::{KeySet, Tokens};

/// Notes for those who have a token.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,

    /// The URL under which clients reach the MCP endpoint; tokens must be issued for it
    #[arg(long, value_name = "URL")]
    resource: String,

    /// The authorization server: `iss` of its tokens
    #[arg(long, value_name = "URL")]
    issuer: String,

    /// Where the issuer shows its public keys (`jwks_uri`)
    #[arg(long, value_name = "URL")]
    jwks: String,
}

async fn whoami(ctx: Context) -> String {
    let subject = ctx.principal().map(|principal| &*principal.subject);
    subject.unwrap_or("nobody").to_owned()
}

fn router(write: Scopes) -> McpRouter {
    let publish = Tool::new("publish").description("Publish the notes");
    McpRouter::new()
        .server_info("protected", "1.0.0")
        .tool(
            Tool::new("whoami")
                .description("Say whose token it is")
                .handler(whoami),
        )
        .tool(
            publish
                .handler(|| async { "published" })
                .requires_scopes(write),
        )
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let setup = || -> Result<_, mcp_core::BoxError> {
        let read = Scopes::parse("notes:read")?;
        let resource = ProtectedResource::new(&arguments.resource)?
            .authorization_server(&arguments.issuer)
            .scopes_supported(read.clone())
            .challenge_scopes(read);
        let keys = KeySet::new(&arguments.jwks)?;
        let tokens = Tokens::new(Arc::new(keys), &arguments.issuer, resource.url());
        Ok((resource, tokens, router(Scopes::parse("notes:publish")?)))
    };
    let (resource, tokens, router) = match setup() {
        Ok(setup) => setup,
        Err(error) => {
            use std::io::Write;
            writeln!(std::io::stderr(), "error: {error}").ok();
            return ExitCode::from(2);
        }
    };
    mcp_examples::serve_http(router, &arguments.flags, |http| {
        http.authenticator(tokens).protected_resource(resource)
    })
    .await
}
