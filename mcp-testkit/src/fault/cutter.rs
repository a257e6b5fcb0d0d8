//! A wire that can be cut: [`Cutter`].

use std::{
    fmt,
    io::{self, ErrorKind},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    runtime,
    sync::watch,
    task::JoinSet,
    time::sleep,
};

/// How much is passed on at a time.
const CHUNK: usize = 16 * 1024;

/// What the wire does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Everything goes through, after this long.
    Pass(Duration),
    /// Connections are closed, and new ones at once.
    Cut,
    /// Connections stay and nothing goes through: the peer has vanished without a word.
    Stall,
    /// Requests still go through up to this many bytes; then it is cut.
    CutAfter(usize),
    /// Requests still go through; the first answer is thrown away, and then it is cut.
    LoseReply,
    /// The proxy ends.
    End,
}

/// The state of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    mode: Mode,
    /// How often it was cut. A connection ends when there was a cut since it began, also when the
    /// wire is whole again before anybody looks.
    cuts: u64,
    /// How often connections were stranded. One that began before the last time leads nowhere.
    strandings: u64,
}

/// A TCP proxy in this process, to put between a store and its backend.
///
/// It begins whole. Its connections are served by a thread of its own, so that it works in every
/// runtime; it ends when the value is dropped.
pub struct Cutter {
    address: SocketAddr,
    target: Target,
    wire: Wire,
    thread: Option<JoinHandle<()>>,
}

impl Cutter {
    /// A wire to `target`.
    ///
    /// # Errors
    ///
    /// When no port of this machine can be listened on.
    pub fn to(target: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let wire = Arc::new(watch::Sender::new(State {
            mode: Mode::Pass(Duration::ZERO),
            cuts: 0,
            strandings: 0,
        }));
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let shared = Arc::clone(&wire);
        let target = Arc::new(Mutex::new(target));
        let aimed = Arc::clone(&target);
        let thread = thread::Builder::new()
            .name("cutter".to_owned())
            .spawn(move || {
                // An error here is a listener that ended: whoever connects finds the wire cut.
                runtime.block_on(serve(listener, &aimed, &shared)).ok();
            })?;
        Ok(Self {
            address,
            target,
            wire,
            thread: Some(thread),
        })
    }

    /// Where to connect instead of the target.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Closes every connection, and every new one at once until it is [healed](Self::heal), however
    /// soon that is.
    pub fn cut(&self) {
        set(&self.wire, Mode::Cut);
    }

    /// Lets nothing through in either direction, and closes nothing: a half-open connection.
    pub fn stall(&self) {
        set(&self.wire, Mode::Stall);
    }

    /// The connections that are there stay and lead nowhere from now on; new ones go through. So it is
    /// when a peer has gone, and its address was given to another.
    pub fn strand(&self) {
        self.wire.send_modify(|state| state.strandings += 1);
    }

    /// Delays everything by `time`.
    pub fn delay(&self, time: Duration) {
        set(&self.wire, Mode::Pass(time));
    }

    /// Cuts after `bytes` more bytes have gone to the target: in the midst of a request.
    pub fn cut_after(&self, bytes: usize) {
        set(&self.wire, Mode::CutAfter(bytes));
    }

    /// Throws the next answer away and cuts: done, but the reply was lost.
    pub fn lose_reply(&self) {
        set(&self.wire, Mode::LoseReply);
    }

    /// Leads new connections to another target, as a failover does. Those that are there stay: cut
    /// and heal the wire to end them.
    pub fn aim(&self, target: SocketAddr) {
        *lock(&self.target) = target;
    }

    /// Whether the wire is cut, by [`cut`](Self::cut) or because its moment came.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.wire.borrow().mode == Mode::Cut
    }

    /// Everything goes through again. Connections that were closed stay closed.
    pub fn heal(&self) {
        set(&self.wire, Mode::Pass(Duration::ZERO));
    }
}

impl fmt::Debug for Cutter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cutter")
            .field("address", &self.address)
            .field("state", &*self.wire.borrow())
            .finish_non_exhaustive()
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        set(&self.wire, Mode::End);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

type Wire = Arc<watch::Sender<State>>;
type Target = Arc<Mutex<SocketAddr>>;

fn set(wire: &Wire, mode: Mode) {
    wire.send_modify(|state| {
        state.mode = mode;
        state.cuts += u64::from(mode == Mode::Cut);
    });
}

fn lock(target: &Target) -> MutexGuard<'_, SocketAddr> {
    target.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: std::net::TcpListener, target: &Target, wire: &Wire) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let mut connections = JoinSet::new();
    let mut ended = wire.subscribe();
    loop {
        tokio::select! {
            _ = ended.wait_for(|state| state.mode == Mode::End) => return Ok(()),
            accepted = listener.accept() => {
                let (client, _) = accepted?;
                let target = *lock(target);
                let begun = *wire.borrow();
                connections.spawn(connect(client, target, Arc::clone(wire), begun));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves a connection that began with the wire as it was then, until it is cut.
async fn connect(
    client: TcpStream,
    target: SocketAddr,
    wire: Wire,
    begun: State,
) -> io::Result<()> {
    let mut state = wire.subscribe();
    let is_cut = |state: &State| state.mode == Mode::Cut || state.cuts != begun.cuts;
    let cut = async { state.wait_for(is_cut).await.map(drop) };
    let pass = async {
        let server = TcpStream::connect(target).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let ((from_client, to_client), (from_server, to_server)) =
            (client.into_split(), server.into_split());
        // When one direction ends, so does the connection.
        tokio::select! {
            ended = requests(from_client, to_server, &wire, begun) => ended,
            ended = answers(from_server, to_client, &wire, begun) => ended,
        }
    };
    tokio::select! {
        biased;
        _ = cut => Ok(()),
        ended = pass => ended,
    }
}

async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    wire: &Wire,
    begun: State,
) -> io::Result<()> {
    let mut chunk = [0; CHUNK];
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        match open(wire, begun).await? {
            Mode::CutAfter(left) => {
                let sent = left.min(read);
                to.write_all(&chunk[..sent]).await?;
                if sent == left {
                    set(wire, Mode::Cut);
                    return Ok(());
                }
                set(wire, Mode::CutAfter(left - sent));
            }
            _ => to.write_all(&chunk[..read]).await?,
        }
    }
}

async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    wire: &Wire,
    begun: State,
) -> io::Result<()> {
    let mut chunk = [0; CHUNK];
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        if open(wire, begun).await? == Mode::LoseReply {
            set(wire, Mode::Cut);
            return Ok(());
        }
        to.write_all(&chunk[..read]).await?;
    }
}

/// What to do with what was just read, once it may go on at all.
#[expect(
    clippy::disallowed_methods,
    reason = "a slow wire is what this is for; nobody waits for it to be right"
)]
async fn open(wire: &Wire, begun: State) -> io::Result<Mode> {
    let delay = match wire.borrow().mode {
        Mode::Pass(delay) => delay,
        _ => Duration::ZERO,
    };
    if !delay.is_zero() {
        sleep(delay).await;
    }
    let mut state = wire.subscribe();
    let mode = state
        .wait_for(|state| state.mode != Mode::Stall && state.strandings == begun.strandings)
        .await
        .map_err(|_| ErrorKind::ConnectionAborted)?
        .mode;
    match mode {
        Mode::Cut | Mode::End => Err(ErrorKind::ConnectionAborted.into()),
        open => Ok(open),
    }
}
