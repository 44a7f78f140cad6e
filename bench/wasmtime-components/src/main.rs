//! Wasmtime's nanoseconds for the calls that component_bench.cc measures. Prints `name nanoseconds`:
//! the minimum over rounds of the mean of many calls.
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::{hint::black_box, time::Instant};
use wasmtime::component::{Component, Linker};
use wasmtime::*;

const CALLS: &str = include_str!("../../component_calls.wat");
const HOST: &str = include_str!("../../component_host.wat");

fn best(name: &str, calls: u32, mut round: impl FnMut()) {
    let mut min = f64::MAX;
    for _ in 0..20 {
        let start = Instant::now();
        round();
        min = min.min(start.elapsed().as_nanos() as f64 / calls as f64);
    }
    println!("{name} {min:.1}");
}

fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

fn calls() -> Result<()> {
    let engine = Engine::default();
    let component = Component::new(&engine, CALLS)?;
    let mut store = Store::new(&engine, ());
    let instance = Linker::<()>::new(&engine).instantiate(&mut store, &component)?;
    let n = 50_000;
    let add = instance.get_typed_func::<(u32, u32), (u32,)>(&mut store, "add")?;
    best("host_to_component/numbers", n, || {
        for _ in 0..n {
            black_box(add.call(&mut store, black_box((1, 2))).unwrap());
        }
    });
    let text = "x".repeat(1024);
    let string = instance.get_typed_func::<(&str,), (u32,)>(&mut store, "string")?;
    best("host_to_component/string_1KiB", n, || {
        for _ in 0..n {
            black_box(string.call(&mut store, black_box((&text,))).unwrap());
        }
    });
    for (name, export) in [
        ("numbers", "adds"),
        ("string_1KiB", "strings"),
        ("64_flat_records", "flats"),
        ("16_named_records", "nameds"),
    ] {
        let f = instance.get_typed_func::<(u32,), (u32,)>(&mut store, export)?;
        let n = 200_000;
        best(&format!("component_to_component/{name}"), n, || {
            f.call(&mut store, (n,)).unwrap();
        });
    }
    Ok(())
}

fn host_calls() -> Result<()> {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config)?;
    let component = Component::new(&engine, HOST)?;
    let mut linker = Linker::<()>::new(&engine);
    linker.root().func_wrap("plain", |_, (x,): (u32,)| Ok((x.wrapping_add(1),)))?;
    linker
        .root()
        .func_wrap_async("waits", |_, (x,): (u32,)| Box::new(async move { Ok((x.wrapping_add(1),)) }))?;
    linker.root().func_wrap_concurrent("starts", |_, (x,): (u32,)| {
        Box::pin(async move { Ok((x.wrapping_add(1),)) })
    })?;
    let mut store = Store::new(&engine, ());
    let instance = finish(linker.instantiate_async(&mut store, &component))?;
    for (name, export) in [
        ("plain", "plain-calls"),
        ("waits", "wait-calls"),
        ("starts", "start-calls"),
    ] {
        let f = instance.get_typed_func::<(u32,), (u32,)>(&mut store, export)?;
        let n = 50_000;
        best(&format!("component_to_host/{name}"), n, || {
            finish(f.call_async(&mut store, (n,))).unwrap();
        });
    }
    Ok(())
}

fn main() -> Result<()> {
    calls()?;
    host_calls()
}
