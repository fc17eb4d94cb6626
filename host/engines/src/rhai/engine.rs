//! The engine that one script runs on: pure packages, and every limit set by hand, because rhai's own differ between
//! debug and release builds.

use super::call;
use super::fault::{FLOOD, LATE, Misuse};
use super::{functions, moment, values};
use crate::limits::Limits;
use integrator_core::plugin::{LogLevel, PluginSettings};
use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage,
    BasicMathPackage, BasicStringPackage, BitFieldPackage, LanguageCorePackage, LogicPackage,
    MoreStringPackage, Package,
};
use rhai::{
    Dynamic, Engine, EvalAltResult, Map, Module, NativeCallContext, OptimizationLevel, Position, Shared,
    Token,
};
use std::sync::LazyLock;

/// How deep functions may call functions.
pub(super) const CALL_LEVELS: usize = 32;
/// How many variables there may be at once.
pub(super) const VARIABLES: usize = 256;
/// How deep an expression may nest, in functions and outside.
const EXPRESSION_DEPTH: usize = 64;
/// How many functions a script may define.
const FUNCTIONS: usize = 256;

/// The packages, made once and shared by all engines.
static PACKAGES: LazyLock<[Shared<Module>; 11]> = LazyLock::new(|| {
    [
        LanguageCorePackage::new().as_shared_module(),
        ArithmeticPackage::new().as_shared_module(),
        LogicPackage::new().as_shared_module(),
        BitFieldPackage::new().as_shared_module(),
        BasicMathPackage::new().as_shared_module(),
        BasicStringPackage::new().as_shared_module(),
        MoreStringPackage::new().as_shared_module(),
        BasicIteratorPackage::new().as_shared_module(),
        BasicArrayPackage::new().as_shared_module(),
        BasicMapPackage::new().as_shared_module(),
        BasicFnPackage::new().as_shared_module(),
    ]
});

/// An engine with everything but the device, whose properties are not known yet.
pub(super) fn new(settings: &PluginSettings, limits: &Limits) -> Engine {
    let mut engine = Engine::new_raw();
    for package in PACKAGES.iter() {
        engine.register_global_module(Shared::clone(package));
    }
    limit(&mut engine, limits);
    language(&mut engine);
    moment::register(&mut engine);
    functions::register(&mut engine);
    logging(&mut engine, limits.log_lines);
    of_settings(&mut engine, settings);
    engine
}

fn limit(engine: &mut Engine, limits: &Limits) {
    // One piece of data may take a share of the memory; how many there can be is bounded by variables and time.
    let share =
        usize::try_from(limits.memory_mebibytes).unwrap_or(usize::MAX).saturating_mul(1024 * 1024) / 64;
    let share = share.max(1024);
    engine
        .set_max_operations(limits.operations.max(1))
        .set_max_call_levels(CALL_LEVELS)
        .set_max_expr_depths(EXPRESSION_DEPTH, EXPRESSION_DEPTH)
        .set_max_string_size(share)
        .set_max_array_size(share / 16)
        .set_max_map_size(share / 64)
        .set_max_variables(VARIABLES)
        .set_max_functions(FUNCTIONS)
        .set_max_modules(0)
        .on_progress(|operations| call::is_late(operations).then(|| Dynamic::from(LATE)));
}

fn language(engine: &mut Engine) {
    engine
        .set_optimization_level(OptimizationLevel::Simple)
        .set_strict_variables(true)
        .set_fail_on_invalid_map_property(false)
        .disable_symbol("eval")
        .disable_symbol("import")
        .disable_symbol("export");
    // The contract names a parameter and an answer `default`, which rhai keeps for a future of its own.
    #[expect(
        deprecated,
        reason = "rhai marks what may change between its versions in this way; the version is locked"
    )]
    engine.on_parse_token(|token, _, _| match token {
        Token::Reserved(word) if word.as_str() == "default" => Token::Identifier(word),
        other => other,
    });
    // The language's own package can make a thread sleep, which no count of operations would end.
    engine
        .register_fn("sleep", |context: NativeCallContext, _: i64| no_sleep(context.call_position()))
        .register_fn("sleep", |context: NativeCallContext, _: f64| no_sleep(context.call_position()));
}

fn no_sleep(position: Position) -> Result<(), Box<EvalAltResult>> {
    Err(Misuse::error("a script cannot sleep: it has no clock".to_owned(), position))
}

fn logging(engine: &mut Engine, most: u32) {
    for (name, level) in
        [("log_debug", LogLevel::Debug), ("log_info", LogLevel::Info), ("log_warn", LogLevel::Warn)]
    {
        engine.register_fn(name, move |context: NativeCallContext, message: Dynamic| {
            if call::log(level, &message.to_string(), most) {
                Ok(())
            } else {
                Err(Box::new(EvalAltResult::ErrorTerminated(FLOOD.into(), context.call_position())))
            }
        });
    }
    // `print` and `debug` cannot fail; what is too much of them is left out.
    engine.on_print(move |text| {
        call::log(LogLevel::Info, text, most);
    });
    engine.on_debug(move |text, _, _| {
        call::log(LogLevel::Debug, text, most);
    });
}

fn of_settings(engine: &mut Engine, settings: &PluginSettings) {
    let all = Dynamic::from_map(values::table(settings));
    let mut module = Module::new();
    module.set_var("settings", all.clone());
    engine.register_global_module(module.into());

    let table = all.clone();
    engine.register_fn("settings", move || table.clone());
    let table = all.clone();
    engine.register_fn("settings", move |name: &str| {
        let found = at(&table, name);
        if found.is_map() { found } else { Dynamic::from_map(Map::new()) }
    });
    engine.register_fn("setting", move |name: &str| at(&all, name));
}

/// The setting of that name, else the one that the dots of the name lead to; `()` where there is none.
fn at(table: &Dynamic, name: &str) -> Dynamic {
    let Some(map) = table.read_lock::<Map>() else { return Dynamic::UNIT };
    if let Some(found) = map.get(name) {
        return found.clone();
    }
    let Some((first, rest)) = name.split_once('.') else { return Dynamic::UNIT };
    map.get(first).map_or(Dynamic::UNIT, |inner| at(inner, rest))
}
