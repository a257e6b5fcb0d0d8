//! The store in SQLite keeps every rule of a session store.

use std::{fs, io::ErrorKind, path::PathBuf, time::Duration};

use custom_store::SqliteSessionStore;
use mcp_core::{BoxError, store::SessionId};
use mcp_testkit::{Damage, Harness, Namespace};
use sqlx::{Connection, SqliteConnection};

/// A file for each namespace. Time goes by when deadlines are moved.
struct Sqlite;

impl Sqlite {
    fn directory(namespace: &Namespace) -> PathBuf {
        std::env::temp_dir().join(namespace.as_str())
    }

    fn file(namespace: &Namespace) -> PathBuf {
        Self::directory(namespace).join("sessions.db")
    }

    /// A connection of the harness's own, to a file that is there.
    async fn connect(&self, namespace: &Namespace) -> Result<SqliteConnection, BoxError> {
        self.open(namespace).await?;
        let file = Self::file(namespace);
        Ok(SqliteConnection::connect(&format!("sqlite:{}", file.display())).await?)
    }
}

impl Harness for Sqlite {
    type Store = SqliteSessionStore;

    async fn open(&self, namespace: &Namespace) -> Result<SqliteSessionStore, BoxError> {
        fs::create_dir_all(Self::directory(namespace))?;
        Ok(SqliteSessionStore::open(Self::file(namespace)).await?)
    }

    async fn advance(&self, namespace: &Namespace, by: Duration) -> Result<(), BoxError> {
        let older = "UPDATE sessions SET created = created - ?1, ends = ends - ?1, due = due - ?1";
        let older = sqlx::query(older).bind(i64::try_from(by.as_millis())?);
        older.execute(&mut self.connect(namespace).await?).await?;
        Ok(())
    }

    async fn close(&self, namespace: &Namespace) -> Result<(), BoxError> {
        match fs::remove_dir_all(Self::directory(namespace)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn damage(
        &self,
        namespace: &Namespace,
        session: &SessionId,
        damage: Damage,
    ) -> Result<(), BoxError> {
        let record: &[u8] = match damage {
            Damage::Garbage => b"\x00}",
            Damage::FromTheFuture => br#"{"version":9,"readable_from":9,"session":{}}"#,
        };
        let damage = sqlx::query("UPDATE sessions SET record = ?1 WHERE id = ?2").bind(record);
        let damage = damage.bind(session.as_str().as_bytes());
        damage.execute(&mut self.connect(namespace).await?).await?;
        Ok(())
    }

    async fn held(&self, namespace: &Namespace) -> Result<u64, BoxError> {
        let rows = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM sessions");
        let rows = rows.fetch_one(&mut self.connect(namespace).await?).await?;
        Ok(u64::try_from(rows)?)
    }
}

mod session_store {
    mcp_testkit::session_store_tests! {
        harness: super::Sqlite,
        with: [damage, processes, scan],
        without: { outage: "the disk of this machine is always there" },
    }
}
