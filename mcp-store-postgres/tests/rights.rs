//! The role that a server needs, and what it may not do.

mod support;

use mcp_core::{
    BoxError,
    store::{InstanceId, Notifier},
};
use mcp_store_postgres::PostgresBackend;
use mcp_testkit::{Namespace, server::PostgresServer};

use support::{as_user, every_call, execute};

/// the documented rights are enough, and none is too much.
#[tokio::test]
async fn a_role_with_the_documented_rights_can_do_everything_and_no_more() -> Result<(), BoxError> {
    let url = PostgresServer::shared_url()?;
    let name = Namespace::fresh("rights");
    let schema = name.as_str();
    PostgresBackend::builder(&url)
        .schema(schema)
        .connect()
        .await?;
    let rights = include_str!("../rights.sql")
        .replace("\"mcp\"", schema)
        .replace("mcp_server", schema);
    let role = format!(
        "CREATE ROLE {schema} LOGIN NOSUPERUSER;
         REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC;
         {rights}"
    );
    execute(&url, &role).await?;

    let limited = as_user(&url, schema);
    for migrate in [false, true] {
        let builder = PostgresBackend::builder(&limited).schema(schema);
        let backend = builder.migrate(migrate).connect().await?;
        let listener = backend.listen(&InstanceId::new("i")).await?;
        assert!(every_call(&backend, &format!("session {migrate}")).await? > 0);
        drop(listener);
    }
    for forbidden in [
        "CREATE TABLE {}.more ()",
        "DROP TABLE {}.events",
        "TRUNCATE {}.logs",
        "ALTER TABLE {}.sessions ADD more text",
        "INSERT INTO {}.migrations VALUES (9, 9)",
        "DROP FUNCTION {}.save_log",
    ] {
        let refused = execute(&limited, &forbidden.replace("{}", schema)).await;
        assert!(refused.is_err(), "{forbidden}");
    }
    let gone = format!("DROP OWNED BY {schema}; DROP ROLE {schema}; DROP SCHEMA {schema} CASCADE");
    execute(&url, &gone).await
}
