//! One run of one rule: [`Case`].

use std::{
    any::Any,
    fmt,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use mcp_core::{BoxError, store::SessionId};
use tokio::{runtime, time::timeout};

use crate::{
    Capability, Claims, Damage, Failure, Harness, Namespace, Outcome, Rule, claims,
    peer::{Orders, Peer},
    report, settings,
    shown::chain,
};

/// How many threads a case has, so that what runs at once really does.
const THREADS: usize = 4;

/// How many processes [`Case::crowd`] spreads its workers over.
const PROCESSES: usize = 2;

/// How a case ends: errors of the store travel with `?`, expectations are assertions.
pub type CaseResult = Result<(), BoxError>;

/// What a case sees: a namespace of its own in the backend under test.
pub struct Case<'h, H: Harness> {
    harness: &'h H,
    namespace: Namespace,
    neighbour: Namespace,
    visited: AtomicBool,
    /// Where the tests of its suite are, so that another process can be started.
    module: Option<&'static str>,
}

impl<'h, H: Harness> Case<'h, H> {
    pub(crate) fn new(harness: &'h H, rule: &Rule) -> Self {
        let namespace = Namespace::fresh(rule.name);
        let neighbour = namespace.neighbour();
        Self {
            harness,
            namespace,
            neighbour,
            visited: AtomicBool::new(false),
            module: None,
        }
    }

    /// The case, with tests in `module` that it can start as another process.
    pub(crate) fn within(mut self, module: Option<&'static str>) -> Self {
        self.module = module;
        self
    }

    /// One more process on the case's namespace.
    ///
    /// # Errors
    ///
    /// When the backend cannot be reached.
    ///
    /// # Cancel safety
    ///
    /// As the harness's `open`.
    pub async fn open(&self) -> Result<H::Store, BoxError> {
        self.harness.open(&self.namespace).await
    }

    /// A process on another namespace of the same backend, whose name begins with this one's.
    ///
    /// # Errors
    ///
    /// When the backend cannot be reached.
    ///
    /// # Cancel safety
    ///
    /// As the harness's `open`.
    pub async fn open_neighbour(&self) -> Result<H::Store, BoxError> {
        self.visited.store(true, Ordering::SeqCst);
        self.harness.open(&self.neighbour).await
    }

    /// Another process on the case's namespace, which does what the suite's `peer` does.
    pub(crate) fn peer(&self) -> Result<Peer, BoxError> {
        let module = self
            .module
            .ok_or("the function form of a suite starts no other process")?;
        Peer::start(module, &self.namespace)
    }

    /// Handles for `workers` workers, spread over two processes.
    ///
    /// # Errors
    ///
    /// When the backend cannot be reached.
    ///
    /// # Cancel safety
    ///
    /// As the harness's `open`.
    pub async fn crowd(&self, workers: usize) -> Result<Vec<Arc<H::Store>>, BoxError> {
        let mut processes = Vec::new();
        for _ in 0..PROCESSES {
            processes.push(Arc::new(self.open().await?));
        }
        Ok(processes.iter().cycle().take(workers).cloned().collect())
    }

    /// Makes everything in the case's namespaces older, without waiting.
    ///
    /// # Errors
    ///
    /// When the backend refuses.
    ///
    /// # Cancel safety
    ///
    /// As the harness's `advance`.
    pub async fn advance(&self, by: Duration) -> CaseResult {
        self.harness.advance(&self.namespace, by).await?;
        if self.visited.load(Ordering::SeqCst) {
            self.harness.advance(&self.neighbour, by).await?;
        }
        Ok(())
    }

    /// How often a race is run.
    #[must_use]
    pub fn rounds(&self) -> usize {
        settings::rounds()
    }

    /// Takes the backend away.
    ///
    /// # Errors
    ///
    /// When the harness cannot do that.
    ///
    /// # Cancel safety
    ///
    /// As the harness's `sever`.
    pub async fn sever(&self) -> CaseResult {
        self.harness.sever(&self.namespace).await
    }

    /// Gives the backend back.
    ///
    /// # Errors
    ///
    /// When the harness cannot do that.
    ///
    /// # Cancel safety
    ///
    /// As the harness's `restore`.
    pub async fn restore(&self) -> CaseResult {
        self.harness.restore(&self.namespace).await
    }

    /// Overwrites what is stored for `session`.
    ///
    /// # Errors
    ///
    /// When the harness cannot do that.
    ///
    /// # Cancel safety
    ///
    /// As the harness's `damage`.
    pub async fn damage(&self, session: &SessionId, damage: Damage) -> CaseResult {
        self.harness.damage(&self.namespace, session, damage).await
    }

    /// How much the backend holds.
    ///
    /// # Errors
    ///
    /// When the harness cannot do that.
    ///
    /// # Cancel safety
    ///
    /// As the harness's `held`.
    pub async fn held(&self) -> Result<u64, BoxError> {
        self.harness.held(&self.namespace).await
    }

    /// Runs a body within the deadline, then removes the namespaces.
    pub(crate) async fn judge(&self, body: impl Future<Output = CaseResult>) -> Outcome {
        let body = AssertUnwindSafe(body).catch_unwind();
        let deadline = settings::deadline();
        let ended = match timeout(deadline, body).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(chain(error.as_ref())),
            Ok(Err(panic)) => Err(said(panic.as_ref())),
            Err(_) => Err(format!("it was not done after {} s", deadline.as_secs())),
        };
        match ended.and(self.close().await) {
            Ok(()) => Outcome::Passed,
            Err(message) => Outcome::Failed(Failure::new(message)),
        }
    }

    async fn close(&self) -> Result<(), String> {
        if settings::keep() {
            return Ok(());
        }
        let visited = self.visited.load(Ordering::SeqCst);
        for namespace in [Some(&self.namespace), visited.then_some(&self.neighbour)] {
            let Some(namespace) = namespace else { continue };
            match timeout(settings::deadline(), self.harness.close(namespace)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(format!("close: {}", chain(error.as_ref()))),
                Err(_) => return Err("close did not end".to_owned()),
            }
        }
        Ok(())
    }
}

impl<H: Harness> fmt::Debug for Case<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// Runs one case as a test: a runtime of its own, a namespace of its own, 30 seconds, and more with more
/// rounds than the default.
///
/// The suites' macros call it; a backend calls it for cases of its own. `backend` names the column
/// of the report, usually `env!("CARGO_PKG_NAME")`.
///
/// # Panics
///
/// When the case fails, which is what makes the test fail.
#[track_caller]
pub fn run_case<H, F>(backend: &str, harness: &H, rule: &Rule, body: F)
where
    H: Harness,
    F: for<'a> AsyncFnOnce(&'a Case<'a, H>) -> CaseResult,
{
    run_case_in(None, backend, harness, rule, body);
}

/// As [`run_case`], with the module that the test is in.
#[doc(hidden)]
#[track_caller]
pub fn run_case_in<H, F>(
    module: Option<&'static str>,
    backend: &str,
    harness: &H,
    rule: &Rule,
    body: F,
) where
    H: Harness,
    F: for<'a> AsyncFnOnce(&'a Case<'a, H>) -> CaseResult,
{
    let outcome = on_own_runtime(async {
        let case = Case::new(harness, rule).within(module);
        case.judge(body(&case)).await
    });
    finish(backend, rule, &outcome);
}

/// Is the other process of a case: does what it is told until there is nothing more to do.
#[doc(hidden)]
#[track_caller]
pub fn run_peer<H, F>(harness: &H, body: F)
where
    H: Harness,
    F: for<'a> AsyncFnOnce(&'a Case<'a, H>, Orders) -> CaseResult,
{
    let given = settings::text(settings::PEER);
    assert!(given.is_some(), "a case starts this, as another process");
    let namespace = Namespace::given(&given.unwrap_or_default());
    let rule = Rule::new("", "another_process", "", "orders are followed");
    let outcome = on_own_runtime(async {
        let mut case = Case::new(harness, &rule);
        case.namespace = namespace;
        match body(&case, Orders::new()).await {
            Ok(()) => Outcome::Passed,
            Err(error) => Outcome::Failed(Failure::new(chain(error.as_ref()))),
        }
    });
    assert!(outcome == Outcome::Passed, "{}", explain(&rule, &outcome));
}

/// Runs the case that every suite has besides its rules: the backend's claims are complete and true.
#[doc(hidden)]
#[track_caller]
pub fn run_claims<H: Harness>(
    backend: &str,
    harness: &H,
    claims: &Claims,
    known: &[Capability],
    rules: &[Rule],
) {
    let rule = claims_rule(rules);
    let outcome = on_own_runtime(judge_claims(harness, &rule, claims, known));
    assert!(outcome == Outcome::Passed, "{}", explain(&rule, &outcome));
    for rule in rules {
        if let Some(why) = rule.needs.and_then(|needs| claims.reason(needs)) {
            finish(backend, rule, &Outcome::NotClaimed { why });
        }
    }
}

/// The rule that every suite has besides its own.
pub(crate) fn claims_rule(rules: &[Rule]) -> Rule {
    let suite = rules.first().map_or("", |rule| rule.suite);
    let text = "each capability is claimed or disclaimed, and what is disclaimed is not there";
    Rule::new(suite, "declares_its_capabilities", "", text)
}

pub(crate) async fn judge_claims<H: Harness>(
    harness: &H,
    rule: &Rule,
    claims: &Claims,
    known: &[Capability],
) -> Outcome {
    let case = Case::new(harness, rule);
    case.judge(claims::check(&case, claims, known)).await
}

fn on_own_runtime(body: impl Future<Output = Outcome>) -> Outcome {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(body),
        Err(error) => Outcome::Failed(Failure::new(format!("no runtime: {error}"))),
    }
}

#[track_caller]
fn finish(backend: &str, rule: &Rule, outcome: &Outcome) {
    let recorded = report::record(backend, rule, outcome);
    let kept = !matches!(outcome, Outcome::Failed(_));
    assert!(kept, "{}", explain(rule, outcome));
    assert!(
        recorded.is_ok(),
        "the report cannot be written: {recorded:?}"
    );
}

fn explain(rule: &Rule, outcome: &Outcome) -> String {
    let Outcome::Failed(failure) = outcome else {
        return rule.text.to_owned();
    };
    let Rule { promises, text, .. } = rule;
    format!("{}\nrule {promises}: {text}", failure.message())
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("the case panicked").to_owned()
}
