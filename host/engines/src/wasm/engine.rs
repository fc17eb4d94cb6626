//! The one engine of the process: how code is compiled, where instances live, and the thread whose ticks end calls
//! that take too long. Knows no plugin.

use super::cache::CodeCache;
use integrator_core::plugin::PluginError;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;
use wasmtime::component::Component;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How often the engine's epoch moves on. Time limits are kept in steps of this.
pub(super) const TICK_MILLISECONDS: u32 = 10;

/// How deep calls may nest, in bytes of stack.
pub(super) const STACK_BYTES: usize = 512 * 1024;

/// How many instances may live at the same time. A run has one a thread and plugin.
const INSTANCES: u32 = 256;

/// An engine with its cache and its ticking thread, which ends when the engine is dropped.
pub(super) struct Running {
    engine: Engine,
    cache: CodeCache,
}

impl Running {
    pub(super) fn start(cache_folder: &Path) -> Result<Self, PluginError> {
        let cache = CodeCache::open(cache_folder)?;
        // The pool reserves much address space at once. Where that is not to be had, instances get theirs singly.
        let engine = Engine::new(&config(&cache, Allocation::Pool))
            .or_else(|error| {
                tracing::debug!("no pool for the instances of plugins: {error:#}");
                Engine::new(&config(&cache, Allocation::Single))
            })
            .map_err(|error| PluginError {
                message: format!("WebAssembly plugins cannot run on this machine: {error:#}"),
                hint: "use Rhai scripts instead, or another machine".to_owned(),
            })?;
        tick(&engine).map_err(|error| PluginError {
            message: format!("the thread that watches over plugins could not be started: {error}"),
            hint: "allow the integrator more threads".to_owned(),
        })?;
        Ok(Self { engine, cache })
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Compiles a component, or takes it from the cache.
    pub(super) fn compile(&self, bytes: &[u8]) -> wasmtime::Result<Component> {
        self.cache.verify();
        let component = Component::new(&self.engine, bytes);
        self.cache.seal();
        component
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("cache", &self.cache).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy)]
enum Allocation {
    Pool,
    Single,
}

fn config(cache: &CodeCache, allocation: Allocation) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false) // asynchronous components are none of the contract, and calls take three times as long
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES)
        // The same answer on every machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_memory64(false)
        .generate_address_map(false)
        .wasm_backtrace_max_frames(NonZeroUsize::new(8))
        .cache(Some(cache.cache().clone()));
    if let Allocation::Pool = allocation {
        let mut pool = PoolingAllocationConfig::new();
        // Interpreters in components (JavaScript, Python) are many modules with big tables; sizes are address space,
        // and the limits of a plugin are held by its own budget.
        pool.total_component_instances(INSTANCES)
            .total_core_instances(INSTANCES * 32)
            .total_memories(INSTANCES)
            .total_tables(INSTANCES * 8)
            .table_elements(super::budget::TABLE_ELEMENTS)
            .max_component_instance_size(16 << 20)
            .max_core_instance_size(16 << 20)
            .max_tables_per_module(16)
            .max_memories_per_module(4);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

/// Starts the thread that moves the epoch on. It sleeps between ticks, so that ticks that it missed, on a machine
/// that was busy or asleep, are left out instead of being made up for at the cost of whoever is running.
fn tick(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    let tick = Duration::from_millis(TICK_MILLISECONDS.into());
    let run = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(tick);
        }
    };
    std::thread::Builder::new().name("plugin-ticks".to_owned()).spawn(run).map(drop)
}
