//! Altered seeds, again and again. The dice are seeded, so that a failure can be repeated.

use mcp_fuzz::seeds::{Dice, EVENT_IDS, HEADERS, MESSAGES};

#[test]
fn altered_messages_are_read_or_refused() {
    let mut dice = Dice::new(1);
    for _ in 0..20_000 {
        mcp_fuzz::jsonrpc(&dice.altered(&MESSAGES));
    }
}

#[test]
fn about_as_many_altered_messages_are_read_as_refused() {
    let mut dice = Dice::new(1);
    let altered = (0..20_000).map(|_| dice.altered(&MESSAGES).into());
    let read = altered.filter(|message| mcp_core::jsonrpc::parse(message).is_ok());
    let read = read.count();
    assert!(read > 1000 && read < 19_000, "{read} were read");
}

#[test]
fn after_altered_lines_in_pieces_the_next_request_is_answered() {
    for seed in 0..40 {
        let mut dice = Dice::new(seed);
        let lines: Vec<_> = (0..100).map(|_| dice.altered(&MESSAGES)).collect();
        let mut bytes = vec![u8::try_from(seed * 6).unwrap_or(u8::MAX)];
        bytes.extend(lines.join(&b'\n'));
        mcp_fuzz::lines(&bytes);
    }
}

#[test]
fn altered_headers_are_answered() {
    let mut dice = Dice::new(2);
    for _ in 0..50_000 {
        mcp_fuzz::headers(&dice.altered(&HEADERS));
    }
}

#[test]
fn altered_ids_of_events_and_sessions_harm_no_session() {
    let mut dice = Dice::new(3);
    for _ in 0..20_000 {
        mcp_fuzz::event_ids(&dice.altered(&EVENT_IDS));
    }
}
