//! Components that mean harm, or are broken: the host stays up, gets its memory back, and says whose fault it was and
//! which limit was hit.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/guests.rs"]
mod guests;

use guests::{Bench, DESCRIBE, LAPTOP, ask, component, laptop, module, rule, rule_with};
use integrator_core::model::Value;
use integrator_core::plugin::{FaultKind, Outcome, PluginSettings};
use integrator_engines::limits::Limits;

/// The fault of a rule with this body: its kind, and parts of its message. Afterwards the same instance answers as if
/// it were fresh, and the memory is back.
fn check(body: &str, more: &str, kind: FaultKind, parts: &[&str]) {
    check_within(&Limits::default(), body, more, kind, parts);
}

fn check_within(limits: &Limits, body: &str, more: &str, kind: FaultKind, parts: &[&str]) {
    // It misbehaves only while the device's serial number begins with `S`.
    let body = format!(
        r"(call $get (local.get $device) (i32.const 16) (i32.const 12) (i32.const 1024))
        (if (i32.and (i32.load8_u (i32.const 1024)) (i32.eq (i32.load8_u (i32.load (i32.const 1040))) (i32.const 83)))
          (then {body}))
        {LAPTOP}"
    );
    let bench = Bench::new();
    let plugin = bench.engine.load("guest", &rule_with(&body, more), PluginSettings::new(), limits).unwrap();
    let mut instance = plugin.clone().instance();
    let [bad, good] = [laptop(), guests::device(&[("serialNumber", Value::Text("T-1".into()))])];
    let mut before = None;
    for round in 0..8 {
        let fault = ask(&*plugin, &mut *instance, &bad).unwrap_err();
        assert_eq!(fault.kind, kind, "{}", fault.message);
        for part in ["`guest`"].iter().chain(parts) {
            assert!(fault.message.contains(part), "{part} is not in: {}", fault.message);
        }
        instance.take_log();
        let reply = ask(&*plugin, &mut *instance, &good).unwrap();
        assert_eq!(reply.outcome, Outcome::AssetType(Some("Laptop".into())));
        if round == 2 {
            before = guests::resident_mebibytes();
        }
    }
    if let (Some(before), Some(after)) = (before, guests::resident_mebibytes()) {
        assert!(after <= before + 8, "memory grew from {before} to {after} MiB");
    }
}

#[test]
fn an_endless_loop_is_ended() {
    check("(loop $again (br $again))", "", FaultKind::Limit, &["50 ms", "`limits.time_milliseconds`"]);
}

#[test]
fn growing_memory_is_ended() {
    check(
        "(loop $again (drop (memory.grow (i32.const 16))) (br $again))",
        "",
        FaultKind::Limit,
        &["64 MiB", "`limits.memory_mebibytes`"],
    );
}

#[test]
fn filling_memory_is_ended_and_given_back() {
    // Writing so much takes a busy machine longer than the usual time.
    check_within(
        &Limits { time_milliseconds: 10_000, ..Limits::default() },
        "(loop $again
          (memory.fill (i32.mul (memory.grow (i32.const 16)) (i32.const 65536)) (i32.const 1) (i32.const 1048576))
          (br $again))",
        "",
        FaultKind::Limit,
        &["64 MiB", "`limits.memory_mebibytes`"],
    );
}

#[test]
fn a_huge_table_is_refused() {
    check(
        "(drop (table.grow $table (ref.null func) (i32.const 100000000)))",
        "(table $table 1 funcref)",
        FaultKind::Limit,
        &["tables of more than 200000 elements"],
    );
}

#[test]
fn deep_recursion_is_ended() {
    check(
        "(drop (call $deep (i32.const 1)))",
        "(func $deep (param i32) (result i32)
          (i32.add (local.get 0) (call $deep (i32.add (local.get 0) (i32.const 1)))))",
        FaultKind::Limit,
        &["nests its calls too deep", "512 KiB", "in `deep`"],
    );
}

#[test]
fn a_panic_is_told() {
    check("unreachable", "", FaultKind::Broken, &["panicked"]);
}

#[test]
fn a_division_by_zero_is_told() {
    check("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "", FaultKind::Broken, &["divide by zero"]);
}

#[test]
fn memory_that_is_not_there_is_told() {
    check(
        "(drop (i32.load (i32.const 0x7ffffff0)))",
        "",
        FaultKind::Broken,
        &["out of bounds memory access"],
    );
}

/// Answers with a text of so many bytes, from a memory that is big enough.
fn answer_of(bytes: u32) -> String {
    format!(
        "(drop (memory.grow (i32.const {pages})))
        (i32.store (i32.const 516) (i32.const 1)) (i32.store (i32.const 520) (i32.const 65536))
        (i32.store (i32.const 524) (i32.const {bytes}))
        (call $drop (local.get $device)) (return (i32.const 512))",
        pages = bytes / 65536 + 1
    )
}

#[test]
fn an_answer_of_a_hundred_megabytes_is_refused() {
    let body = answer_of(100_000_000);
    check(&body, "", FaultKind::Limit, &["64 MiB", "`limits.memory_mebibytes`"]);
    // With memory enough it is not read either.
    let bench = Bench::new();
    let limits = Limits { memory_mebibytes: 256, ..Limits::default() };
    let plugin = bench.engine.load("guest", &rule(&body), PluginSettings::new(), &limits).unwrap();
    let mut instance = plugin.clone().instance();
    let before = guests::resident_mebibytes();
    let fault = ask(&*plugin, &mut *instance, &laptop()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Broken);
    assert!(fault.message.contains("`guest`") && fault.message.contains("1024 KiB"), "{}", fault.message);
    if let (Some(before), Some(after)) = (before, guests::resident_mebibytes()) {
        assert!(after <= before + 8, "memory grew from {before} to {after} MiB");
    }
}

#[test]
fn an_answer_of_a_hundred_kilobytes_is_refused() {
    check(&answer_of(100_000), "", FaultKind::Broken, &["a text of 100000 bytes", "65536"]);
}

#[test]
fn an_answer_that_is_no_utf8_is_refused() {
    check(
        "(i32.store (i32.const 2048) (i32.const 0xfffefdfc))
        (i32.store (i32.const 516) (i32.const 1)) (i32.store (i32.const 520) (i32.const 2048))
        (i32.store (i32.const 524) (i32.const 4))
        (call $drop (local.get $device)) (return (i32.const 512))",
        "",
        FaultKind::Broken,
        &["cannot be taken", "utf-8"],
    );
}

#[test]
fn an_answer_outside_of_memory_is_refused() {
    check(
        "(call $drop (local.get $device)) (return (i32.const 0x7ffffff0))",
        "",
        FaultKind::Broken,
        &["cannot be taken"],
    );
}

#[test]
fn a_million_lines_of_log_are_ended() {
    check(
        "(loop $again
          (call $log (i32.const 1) (i32.const 32) (i32.const 5))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $count) (i32.const 1000000))))",
        "",
        FaultKind::Limit,
        &["more than 100 lines of log", "`limits.log_lines`"],
    );
}

#[test]
fn a_million_calls_are_ended() {
    // So many calls take a busy machine longer than the usual time.
    check_within(
        &Limits { time_milliseconds: 10_000, ..Limits::default() },
        "(loop $again
          (global.set $free (i32.const 8192))
          (call $get (local.get $device) (i32.const 32) (i32.const 5) (i32.const 2048))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $count) (i32.const 1000000))))",
        "",
        FaultKind::Limit,
        &["more than 10000 calls", "`limits.host_calls`"],
    );
}

#[test]
fn a_kept_handle_is_told() {
    check("(return (i32.const 512))", "", FaultKind::Broken, &["borrow handles still remain"]);
}

#[test]
fn a_handle_that_was_never_given_is_told() {
    check(
        "(call $get (i32.const 77) (i32.const 16) (i32.const 12) (i32.const 2048))",
        "",
        FaultKind::Broken,
        &["cannot be taken", "unknown handle"],
    );
}

#[test]
fn a_property_that_was_not_declared_stops_the_call() {
    check(
        "(call $get (local.get $device) (i32.const 1500) (i32.const 4) (i32.const 2048))",
        r#"(data (i32.const 1500) "imei")"#,
        FaultKind::Broken,
        &["`imei`", "`describe`"],
    );
}

#[test]
fn a_limit_that_was_raised_is_kept() {
    let body = "(loop $again
          (call $log (i32.const 2) (i32.const 32) (i32.const 5))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $count) (i32.const 150))))";
    let bench = Bench::new();
    let limits = Limits { log_lines: 200, ..Limits::default() };
    let plugin = bench.engine.load("guest", &rule(body), PluginSettings::new(), &limits).unwrap();
    let mut instance = plugin.clone().instance();
    ask(&*plugin, &mut *instance, &laptop()).unwrap();
    assert_eq!(instance.take_log().len(), 150);
    assert_eq!(instance.take_log().len(), 0);
}

#[test]
fn one_that_fails_every_third_time_answers_the_others() {
    // It counts in a global: after each trap it begins anew, so that the third after a trap fails again.
    let body = format!(
        "(global.set $asked (i32.add (global.get $asked) (i32.const 1)))
        (if (i32.eq (global.get $asked) (i32.const 3)) (then unreachable)) {LAPTOP}"
    );
    let bench = Bench::new();
    let plugin = bench.load(&rule_with(&body, "(global $asked (mut i32) (i32.const 0))")).unwrap();
    let mut instance = plugin.clone().instance();
    let answers: Vec<bool> = (0..9).map(|_| ask(&*plugin, &mut *instance, &laptop()).is_ok()).collect();
    assert_eq!(answers, [true, true, false, true, true, false, true, true, false]);
}

#[test]
fn one_that_answers_differently_each_time_does_so_only_within_its_instance() {
    let body = format!(
        "(global.set $asked (i32.add (global.get $asked) (i32.const 1)))
        (if (i32.gt_u (global.get $asked) (i32.const 1)) (then {LAPTOP}))"
    );
    let bench = Bench::new();
    let plugin = bench.load(&rule_with(&body, "(global $asked (mut i32) (i32.const 0))")).unwrap();
    for _ in 0..3 {
        let mut instance = plugin.clone().instance();
        let mut outcome = || ask(&*plugin, &mut *instance, &laptop()).unwrap().outcome;
        assert_eq!(outcome(), Outcome::AssetType(None));
        assert_eq!(outcome(), Outcome::AssetType(Some("Laptop".into())));
    }
}

/// What loading says of a component whose module has this body.
fn refused(body: &str, parts: &[&str]) {
    let bench = Bench::new();
    let text = format!(r#"{body} (func (export "asset-type") (param i32) (result i32) (i32.const 512))"#);
    let bytes = component("asset-type-rule", &module(&text));
    let before = guests::resident_mebibytes();
    for _ in 0..3 {
        let error = bench.load(&bytes).unwrap_err();
        for part in ["`guest`"].iter().chain(parts) {
            assert!(error.message.contains(part), "{part} is not in: {}", error.message);
        }
        assert!(!error.hint.is_empty());
    }
    if let (Some(before), Some(after)) = (before, guests::resident_mebibytes()) {
        assert!(after <= before + 32, "memory grew from {before} to {after} MiB");
    }
}

#[test]
fn an_endless_loop_in_start_is_ended() {
    refused(
        &format!("{DESCRIBE} (func $begin (loop $again (br $again))) (start $begin)"),
        &["50 ms", "`limits.time_milliseconds`"],
    );
}

#[test]
fn an_endless_loop_in_describe_is_ended() {
    refused(
        r#"(func (export "describe") (result i32) (loop $again (br $again)) (i32.const 128))"#,
        &["50 ms", "`limits.time_milliseconds`"],
    );
}

#[test]
fn a_panic_in_start_is_told() {
    refused(&format!("{DESCRIBE} (func $begin unreachable) (start $begin)"), &["panicked"]);
}

#[test]
fn a_description_without_end_is_refused() {
    refused(
        r#"(func (export "describe") (result i32)
          (i32.store (i32.const 140) (i32.const 0x00ffffff)) (i32.const 128))"#,
        &["cannot be taken"],
    );
}

#[test]
fn a_memory_that_starts_too_big_is_refused() {
    let text = module(&format!(
        r#"{DESCRIBE} (func (export "asset-type") (param i32) (result i32) (i32.const 512))"#
    ));
    let bytes =
        component("asset-type-rule", &text.replace(r#"(export "memory") 2)"#, r#"(export "memory") 2000)"#));
    let error = Bench::new().load(&bytes).unwrap_err();
    assert!(error.message.contains("`limits.memory_mebibytes`"), "{}", error.message);
}

#[test]
fn two_memories_share_one_limit() {
    let body = "(loop $again (drop (memory.grow $other (i32.const 16))) (drop (memory.grow 0 (i32.const 16))) (br $again))";
    check(body, "(memory $other 1)", FaultKind::Limit, &["`limits.memory_mebibytes`"]);
}
