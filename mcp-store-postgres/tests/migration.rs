//! Bringing the schema up to date, by one process or by many.

mod support;

use futures_util::future::join_all;
use mcp_core::{
    BoxError,
    store::{InstanceId, LogKey, Notifier, StoreErrorKind, WakeUp},
};
use mcp_store_postgres::{PostgresBackend, PostgresBuilder};
use mcp_testkit::{
    Namespace,
    server::PostgresServer,
    session::{create, load, record},
};

use support::{every_call, execute, kind, number};

/// A schema that nobody has, on the server that the tests share.
struct Schema {
    url: String,
    name: String,
}

impl Schema {
    fn fresh() -> Result<Self, BoxError> {
        Ok(Self {
            url: PostgresServer::shared_url()?,
            name: Namespace::fresh("schema").as_str().to_owned(),
        })
    }

    fn builder(&self) -> PostgresBuilder {
        PostgresBackend::builder(&self.url)
            .schema(&self.name)
            .pool_size(1)
    }

    /// Runs a text in which `{}` stands for the schema.
    async fn execute(&self, text: &str) -> Result<(), BoxError> {
        execute(&self.url, &text.replace("{}", &self.name)).await
    }

    async fn number(&self, text: &str) -> Result<i64, BoxError> {
        number(&self.url, &text.replace("{}", &self.name)).await
    }

    async fn drop(self) -> Result<(), BoxError> {
        self.execute("DROP SCHEMA {} CASCADE").await
    }
}

const APPLIED: &str = "SELECT count(*) FROM {}.migrations";
const TABLES: &str = "SELECT count(*) FROM pg_tables WHERE schemaname = '{}'";

/// concurrent.
#[tokio::test]
async fn many_at_once_bring_it_up_to_date_once() -> Result<(), BoxError> {
    let schema = Schema::fresh()?;
    let all = (0..8).map(|_| schema.builder().connect());
    for (number, backend) in join_all(all).await.into_iter().enumerate() {
        every_call(&backend?, &format!("session {number}")).await?;
    }
    assert_eq!(schema.number(APPLIED).await?, 4);
    schema.drop().await
}

/// idempotent.
#[tokio::test]
async fn what_is_up_to_date_is_left_alone() -> Result<(), BoxError> {
    let schema = Schema::fresh()?;
    let first = schema.builder().connect().await?;
    create(&first, &record("there")?).await?;
    let stamp =
        "SELECT max(xmin::text::bigint) FROM pg_class WHERE relnamespace = '{}'::regnamespace";
    let before = schema.number(stamp).await?;
    let second = schema.builder().connect().await?;
    assert_eq!(schema.number(stamp).await?, before);
    assert!(load(&second, "there").await?.is_some());
    schema.drop().await
}

/// resumable.
#[tokio::test]
async fn one_that_failed_half_way_goes_on_where_it_stopped() -> Result<(), BoxError> {
    let schema = Schema::fresh()?;
    // The third migration will find a function of its own there, after it made another one.
    schema
        .execute(
            "CREATE SCHEMA {}; CREATE FUNCTION {}.purge_session(bytea, bytea, bigint, interval)
                  RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
        )
        .await?;
    let broken = schema.builder().reach_within(std::time::Duration::ZERO);
    assert!(broken.connect().await.is_err());
    assert_eq!(schema.number(APPLIED).await?, 2);
    let half = "SELECT count(*) FROM pg_proc
                WHERE pronamespace = '{}'::regnamespace AND proname = 'floor_at'";
    assert_eq!(schema.number(half).await?, 0);
    schema.execute("DROP FUNCTION {}.purge_session").await?;
    let backend = schema.builder().connect().await?;
    every_call(&backend, "session").await?;
    assert_eq!(schema.number(APPLIED).await?, 4);
    schema.drop().await
}

/// none goes back.
#[tokio::test]
async fn a_newer_schema_is_refused_unless_it_can_be_read() -> Result<(), BoxError> {
    let schema = Schema::fresh()?;
    let old = schema.builder().connect().await?;
    create(&old, &record("there")?).await?;
    schema
        .execute("INSERT INTO {}.migrations (version, readable_from) VALUES (5, 4)")
        .await?;
    let beside = schema.builder().connect().await?;
    assert!(load(&beside, "there").await?.is_some());
    schema
        .execute("INSERT INTO {}.migrations (version, readable_from) VALUES (6, 5)")
        .await?;
    for migrate in [true, false] {
        let refused = schema.builder().migrate(migrate).connect().await;
        assert_eq!(kind(refused), StoreErrorKind::Unsupported);
    }
    assert_eq!(schema.number(APPLIED).await?, 6);
    schema.drop().await
}

#[tokio::test]
async fn without_migrations_a_schema_that_is_missing_or_too_old_is_refused() -> Result<(), BoxError>
{
    let schema = Schema::fresh()?;
    let refused = schema.builder().migrate(false).connect().await;
    assert_eq!(kind(refused), StoreErrorKind::Unsupported);
    assert_eq!(schema.number(TABLES).await?, 0);
    schema.builder().connect().await?;
    schema
        .execute("DELETE FROM {}.migrations WHERE version = 4")
        .await?;
    let refused = schema.builder().migrate(false).connect().await;
    assert_eq!(kind(refused), StoreErrorKind::Unsupported);
    schema.drop().await
}

#[tokio::test]
async fn a_schema_that_goes_away_is_not_mistaken_for_an_empty_one() -> Result<(), BoxError> {
    let schema = Schema::fresh()?;
    let backend = schema.builder().connect().await?;
    create(&backend, &record("there")?).await?;
    schema.execute("ALTER SCHEMA {} RENAME TO {}_").await?;
    assert_eq!(
        kind(load(&backend, "there").await),
        StoreErrorKind::Unsupported
    );
    schema.execute("ALTER SCHEMA {}_ RENAME TO {}").await?;
    assert!(load(&backend, "there").await?.is_some());
    schema.drop().await
}

#[tokio::test]
async fn two_schemas_share_nothing() -> Result<(), BoxError> {
    let (here, there) = (Schema::fresh()?, Schema::fresh()?);
    let mine = here.builder().connect().await?;
    let other = there.builder().connect().await?;
    create(&mine, &record("there")?).await?;
    assert!(load(&other, "there").await?.is_none());
    let mut ear = mine.listen(&InstanceId::new("i")).await?;
    let everyone = mcp_core::store::Audience::Everyone;
    other.publish(&everyone, &LogKey::Broadcast(1)).await?;
    mine.publish(&everyone, &LogKey::Broadcast(2)).await?;
    assert_eq!(ear.next().await, Some(WakeUp::Look(LogKey::Broadcast(2))));
    there.drop().await?;
    assert!(load(&mine, "there").await?.is_some());
    here.drop().await
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let url = "postgres://nobody@127.0.0.1:1/none";
    let builder = || PostgresBackend::builder(url);
    for builder in [
        builder().schema("a\"b"),
        builder().schema(""),
        builder().schema("s".repeat(64)),
        builder().namespace("n".repeat(256)),
        builder().pool_size(0),
        builder().deadline(std::time::Duration::ZERO),
        PostgresBackend::builder("no url"),
    ] {
        let shown = format!("{builder:?}");
        let error = builder.connect().await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::InvalidArgument, "{shown}");
    }
}
