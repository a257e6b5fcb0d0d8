//! Sessions: any history is that of the store in memory.

use std::{sync::Arc, time::Duration};

use mcp_core::{
    BoxError,
    clock::{Clock, ManualClock, SystemClock, Timestamp},
    store::{
        Caps, MemorySessionStore, Principal, SessionChange, SessionId, SessionRecord, SessionStore,
        Ttl, Version,
    },
};

use crate::{
    Case, CaseResult, Harness,
    dice::Dice,
    session::{MINUTE, record, text},
};

const CALLS: usize = 400;

/// One call, with everything it needs.
#[derive(Debug)]
enum Call {
    Create(Box<SessionRecord>, Ttl, Caps),
    Load(SessionId),
    Update(SessionId, Version, Box<SessionChange>),
    Touch(Vec<SessionId>),
    Delete(SessionId),
    List(Option<SessionId>, usize),
    Sweep,
}

impl Call {
    /// Makes the call; the answer as text, without what may differ between backends.
    async fn make(&self, store: &impl SessionStore) -> Result<String, BoxError> {
        Ok(match self {
            Self::Create(record, ttl, caps) => {
                format!("{:?}", store.create(record, *ttl, caps).await?)
            }
            Self::Load(id) => match store.load(id).await? {
                Some(found) => format!("{:?} {:?}", found.version, text(&found.record)?),
                None => "none".to_owned(),
            },
            Self::Update(id, version, change) => {
                let answer = store.update(id, *version, change).await;
                format!("{:?}", answer.map_err(|error| error.kind()))
            }
            Self::Touch(ids) => format!("{:?}", store.touch(ids).await?),
            Self::Delete(id) => format!("{:?}", store.delete(id).await?),
            Self::List(after, limit) => {
                let page = store.list(after.as_ref(), *limit).await?;
                let shown = page
                    .iter()
                    .map(|found| (found.record.id.as_str(), found.version));
                format!("{:?}", shown.collect::<Vec<_>>())
            }
            Self::Sweep => {
                // How many depends on what the backend frees by itself.
                store.sweep(10).await?;
                String::new()
            }
        })
    }
}

/// Makes up calls about a few sessions.
struct Author {
    dice: Dice,
    /// The sessions in play. A deleted one is replaced: how long its id stays taken may differ.
    ids: [usize; 4],
    next: usize,
}

impl Author {
    fn id(&mut self) -> (usize, SessionId) {
        let slot = self.dice.below(4);
        (slot, SessionId::new(format!("s{}", self.ids[slot])))
    }

    /// The record of an id: its owner never changes.
    fn record(&mut self, slot: usize, id: &SessionId) -> Result<SessionRecord, BoxError> {
        let mut record = record(id.as_str())?;
        let owners = [None, Some("alice"), Some("alice"), Some("bob")];
        record.principal = owners[slot].map(|subject| Principal::new("https://issuer", subject));
        record.initialized = self.dice.throw(2) == 0;
        record.subscriptions.insert(self.dice.throw(9).to_string());
        Ok(record)
    }

    fn ttl(&mut self) -> Ttl {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Ttl {
            idle: minutes(1 + self.dice.throw(20)),
            absolute: minutes(1 + self.dice.throw(60)),
        }
    }

    fn call(&mut self) -> Result<Call, BoxError> {
        let (slot, id) = self.id();
        Ok(match self.dice.throw(20) {
            0..=5 => {
                let caps = Caps::none().per_principal(1 + u32::try_from(slot % 2)?);
                Call::Create(Box::new(self.record(slot, &id)?), self.ttl(), caps)
            }
            6..=9 => Call::Load(id),
            10..=13 => {
                let mut change = SessionChange::to(self.record(slot, &id)?);
                change.ttl = (self.dice.throw(3) == 0).then(|| self.ttl());
                Call::Update(id, Version(1 + self.dice.throw(3)), Box::new(change))
            }
            14 | 15 => Call::Touch(vec![id, self.id().1]),
            16 => {
                (self.ids[slot], self.next) = (self.next, self.next + 1);
                Call::Delete(id)
            }
            17 | 18 => Call::List((self.dice.throw(2) == 0).then_some(id), 3),
            _ => Call::Sweep,
        })
    }
}

pub async fn x_15_any_history_is_that_of_the_model<H: Harness<Store: SessionStore>>(
    case: &Case<'_, H>,
) -> CaseResult {
    let stores = [case.open().await?, case.open().await?, case.open().await?];
    let clock = ManualClock::starting_at(Timestamp::from_millis(1_000_000));
    let model = MemorySessionStore::with_clock(Arc::new(clock.clone()));
    let seed = SystemClock::default().now().as_millis();
    let (dice, ids) = (Dice::new(seed), [0, 1, 2, 3]);
    let mut author = Author { dice, ids, next: 4 };
    let mut history = Vec::new();
    for _ in 0..CALLS {
        if author.dice.throw(6) == 0 {
            let by = MINUTE * u32::try_from(1 + author.dice.throw(8))?;
            clock.advance(by);
            case.advance(by).await?;
            history.push(format!("{by:?} pass"));
        }
        let call = author.call()?;
        let store = author.dice.below(3);
        let expected = call.make(&model).await?;
        let answer = call.make(&stores[store]).await?;
        history.push(format!("{store}: {call:?} -> {answer}"));
        let last = &history[history.len().saturating_sub(12)..];
        assert_eq!(
            answer,
            expected,
            "seed {seed}, at the end of\n{}",
            last.join("\n")
        );
    }
    Ok(())
}
