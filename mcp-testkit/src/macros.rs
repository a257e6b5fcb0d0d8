//! What turns the lists of rules into tests.
//!
//! Each suite has one list, a hidden macro in `suite/`. It is expanded twice: in the backend's own
//! test file into one `#[test]` for each rule, and here into the function form.

/// One test for each rule of [`SessionStore`](mcp_core::store::SessionStore).
///
/// `harness` is evaluated once for each test. Every capability of the suite stands in `with` or,
/// with a reason, in `without`; the tests of the latter are listed as ignored.
///
/// ```
/// # mod kit {
/// # use mcp_core::{BoxError, store::MemorySessionStore};
/// # pub struct Mine;
/// # impl mcp_testkit::Harness for Mine {
/// #     type Store = MemorySessionStore;
/// #     async fn open(&self, _: &mcp_testkit::Namespace) -> Result<MemorySessionStore, BoxError> { Ok(MemorySessionStore::new()) }
/// #     async fn advance(&self, _: &mcp_testkit::Namespace, _: std::time::Duration) -> Result<(), BoxError> { Ok(()) }
/// # }
/// mod session_store {
///     mcp_testkit::session_store_tests! {
///         harness: super::Mine,
///         with: [],
///         without: {
///             outage: "it is in this process",
///             damage: "it keeps no bytes",
///             processes: "it is in this process",
///             scan: "nobody else looks into it",
///         },
///     }
/// }
/// # }
/// ```
#[macro_export]
macro_rules! session_store_tests {
    ($($arguments:tt)*) => { $crate::__tests! { __session_store_list $($arguments)* } };
}

/// One test for each rule of [`LeaseStore`](mcp_core::store::LeaseStore).
///
/// Used as [`session_store_tests!`].
#[macro_export]
macro_rules! lease_store_tests {
    ($($arguments:tt)*) => { $crate::__tests! { __lease_store_list $($arguments)* } };
}

/// One test for each rule of [`EventStore`](mcp_core::store::EventStore).
///
/// Used as [`session_store_tests!`].
#[macro_export]
macro_rules! event_store_tests {
    ($($arguments:tt)*) => { $crate::__tests! { __event_store_list $($arguments)* } };
}

/// One test for each rule of what is built on a log and a [`Notifier`](mcp_core::store::Notifier).
///
/// Used as [`session_store_tests!`], with a harness whose store is a pair of both.
#[macro_export]
macro_rules! topic_tests {
    ($($arguments:tt)*) => { $crate::__tests! { __topic_list $($arguments)* } };
}

/// Reads the arguments of a suite's macro and asks for its list.
#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ($list:ident harness: $harness:expr,
     with: [$($with:ident),* $(,)?],
     without: {$($without:ident : $why:literal),* $(,)?} $(,)?) => {
        $crate::$list! { tests { $harness } { $($with)* } { $($without: $why,)* } }
    };
}

/// Makes of a list what its first word says.
#[doc(hidden)]
#[macro_export]
macro_rules! __suite {
    // The tests of a backend.
    (tests { $harness:expr } { $($with:ident)* } $without:tt
     $suite:ident $bound:path, [$($known:ident)*]
     $($section:ident $file:ident { $($rule:tt)* })*) => {
        #[test]
        fn declares_its_capabilities() {
            let claims = $crate::Claims::new();
            $(let claims = claims.with($crate::__capability!($with));)*
            $crate::__disclaim!(claims $without);
            $crate::__private::run_claims(
                ::core::env!("CARGO_PKG_NAME"),
                &$harness,
                &claims,
                &[$($crate::__capability!($known)),*],
                $crate::$suite::RULES,
            );
        }

        $crate::__another_process! { $suite $harness }
        $($crate::__section! { $section { $harness } $without $suite $file { $($rule)* } })*
    };

    // The function form.
    (functions
     $suite:ident $bound:path, [$($known:ident)*]
     $($section:ident $file:ident { $($name:ident: $promises:literal $text:literal;)* })*) => {
        /// The rules, in the order in which they are checked.
        pub const RULES: &[$crate::Rule] = &[$($(
            $crate::Rule::new(::core::stringify!($suite), ::core::stringify!($name), $promises, $text)
                .needs($crate::__needs!($section)),
        )*)*];

        /// Checks the claims, and every rule that the backend does not disclaim.
        ///
        /// # Cancel safety
        ///
        /// Dropped before it is done, it may leave a namespace behind.
        pub async fn run_all<H>(harness: &H, claims: &$crate::Claims) -> $crate::Report
        where
            H: $crate::Harness<Store: $bound>,
        {
            let mut report = $crate::Report::default();
            let rule = $crate::case::claims_rule(RULES);
            let known = [$($crate::__capability!($known)),*];
            let outcome = $crate::case::judge_claims(harness, &rule, claims, &known).await;
            report.push(rule, outcome);
            for rule in RULES {
                let disclaimed = rule.needs.and_then(|needs| claims.reason(needs));
                let outcome = match disclaimed {
                    Some(why) => $crate::Outcome::NotClaimed { why },
                    None => run(harness, rule).await,
                };
                report.push(*rule, outcome);
            }
            report
        }

        /// Checks one rule.
        ///
        /// # Cancel safety
        ///
        /// Dropped before it is done, it may leave a namespace behind.
        pub async fn run<H>(harness: &H, rule: &$crate::Rule) -> $crate::Outcome
        where
            H: $crate::Harness<Store: $bound>,
        {
            run_in(harness, rule, None).await
        }

        /// As [`run`], with the module whose tests can be another process.
        #[doc(hidden)]
        pub async fn run_in<H>(
            harness: &H,
            rule: &$crate::Rule,
            module: Option<&'static str>,
        ) -> $crate::Outcome
        where
            H: $crate::Harness<Store: $bound>,
        {
            let case = $crate::Case::new(harness, rule).within(module);
            let outcome = case.judge(call(&case, rule.name)).await;
            outcome
        }

        async fn call<H>(case: &$crate::Case<'_, H>, name: &str) -> $crate::CaseResult
        where
            H: $crate::Harness<Store: $bound>,
        {
            $($(if name == ::core::stringify!($name) {
                return ::std::boxed::Box::pin($crate::cases::$file::$name(case)).await;
            })*)*
            Err(::std::format!("{name} is no case of this suite, {:?}", case).into())
        }
    };
}

/// The tests of one section: claimed, or ignored with the reason.
#[doc(hidden)]
#[macro_export]
macro_rules! __section {
    (always $harness:tt $without:tt $($rest:tt)*) => {
        $crate::__cases! { always [] $harness $($rest)* }
    };
    // Found among what is disclaimed.
    (outage $harness:tt { outage: $why:literal, $($more:tt)* } $($rest:tt)*) => {
        $crate::__cases! { outage [#[ignore = $why]] $harness $($rest)* }
    };
    (damage $harness:tt { damage: $why:literal, $($more:tt)* } $($rest:tt)*) => {
        $crate::__cases! { damage [#[ignore = $why]] $harness $($rest)* }
    };
    (processes $harness:tt { processes: $why:literal, $($more:tt)* } $($rest:tt)*) => {
        $crate::__cases! { processes [#[ignore = $why]] $harness $($rest)* }
    };
    (scan $harness:tt { scan: $why:literal, $($more:tt)* } $($rest:tt)*) => {
        $crate::__cases! { scan [#[ignore = $why]] $harness $($rest)* }
    };
    // Something else is disclaimed: look on.
    ($section:ident $harness:tt { $other:ident: $why:literal, $($more:tt)* } $($rest:tt)*) => {
        $crate::__section! { $section $harness { $($more)* } $($rest)* }
    };
    // Nothing is left: it is claimed.
    ($section:ident $harness:tt {} $($rest:tt)*) => {
        $crate::__cases! { $section [] $harness $($rest)* }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __cases {
    ($section:ident $ignored:tt $harness:tt $suite:ident $file:ident
     { $($name:ident: $promises:literal $text:literal;)* }) => {
        $($crate::__case! { $section $ignored $harness $suite $file $name $promises $text })*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __case {
    ($section:ident [$($ignored:tt)*] { $harness:expr } $suite:ident $file:ident
     $name:ident $promises:literal $text:literal) => {
        #[test]
        $($ignored)*
        fn $name() {
            $crate::__private::run_case_in(
                ::core::option::Option::Some(::core::module_path!()),
                ::core::env!("CARGO_PKG_NAME"),
                &$harness,
                &$crate::Rule::new(
                    ::core::stringify!($suite),
                    ::core::stringify!($name),
                    $promises,
                    $text,
                )
                .needs($crate::__needs!($section)),
                async |case| $crate::cases::$file::$name(case).await,
            );
        }
    };
}

/// The test that is another process when a case starts it.
#[doc(hidden)]
#[macro_export]
macro_rules! __another_process {
    ($suite:ident $harness:expr) => {
        #[test]
        #[ignore = "cases start it, as another process"]
        fn another_process() {
            $crate::__private::run_peer(&$harness, async |case, orders| {
                $crate::$suite::peer(case, orders).await
            });
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __disclaim {
    ($claims:ident { $($capability:ident: $why:literal,)* }) => {
        $(let $claims = $claims.without($crate::__capability!($capability), $why);)*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __needs {
    (always) => {
        ::core::option::Option::None
    };
    ($capability:ident) => {
        ::core::option::Option::Some($crate::__capability!($capability))
    };
}

/// A capability by the word that the macros take.
#[doc(hidden)]
#[macro_export]
macro_rules! __capability {
    (outage) => {
        $crate::Capability::Outage
    };
    (damage) => {
        $crate::Capability::Damage
    };
    (processes) => {
        $crate::Capability::Processes
    };
    (scan) => {
        $crate::Capability::Scan
    };
}
