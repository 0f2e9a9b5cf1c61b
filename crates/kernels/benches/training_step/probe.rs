//! Identity operations that note when the forward and the backward pass go through them.

use std::{cell::RefCell, collections::BTreeMap};

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind, unary},
        },
        backend_extension,
        flex::FlexTensor,
        tensor::FloatTensor,
    },
    tensor::Tensor,
};

type Part = &'static str;

/// What passed, in which phase, at what processor time.
type Log = Vec<(Part, &'static str, f64)>;

thread_local! {
    static LOG: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// Notes, when profiling, that `part` has passed in this phase.
pub(crate) fn note(part: Part, phase: &'static str) {
    LOG.with_borrow_mut(|log| {
        if let Some(log) = log {
            log.push((part, phase, processor_ms()));
        }
    });
}

/// Notes that a step starts.
pub(crate) fn start() {
    note("", "start");
}

/// `x`, the result of `part`.
pub(crate) fn probe<const D: usize>(x: Tensor<D>, part: Part) -> Tensor<D> {
    if LOG.with_borrow(|log| log.is_none()) {
        return x;
    }
    Tensor::from_dispatch(Dispatch::probe_part(x.into_dispatch(), part))
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait Probe: Backend {
    fn probe_part(x: FloatTensor<Self>, part: &'static str) -> FloatTensor<Self>;
}

impl Probe for Flex {
    fn probe_part(x: FlexTensor, part: &'static str) -> FlexTensor {
        note(part, "forward");
        x
    }
}

impl<C: CheckpointStrategy> Probe for Autodiff<Flex, C> {
    fn probe_part(x: FloatTensor<Self>, part: &'static str) -> FloatTensor<Self> {
        note(part, "forward");
        let (x, node) = x.into_parts();
        match Passed.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(part, x),
            OpsKind::UnTracked(prep) => prep.finish(x),
        }
    }
}

#[derive(Debug)]
struct Passed;

impl Backward<Flex, 1> for Passed {
    type State = Part;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        note(ops.state, "backward");
        unary::<Flex, _>(ops.parents, ops.node, gradients, |gradient| gradient);
    }
}

/// Runs `step` and prints the median processor time of each part in each phase.
pub(crate) fn profile(steps: usize, mut step: impl FnMut()) {
    let mut parts: BTreeMap<(Part, &str), Vec<f64>> = BTreeMap::new();
    for index in 0..steps {
        LOG.set(Some(Vec::new()));
        step();
        let end = processor_ms();
        let log = LOG.take().unwrap_or_default();
        let mut before = log[0].2;
        for (position, (part, phase, at)) in log.iter().enumerate().skip(1) {
            let following = log.get(position + 1).map_or(end, |entry| entry.2);
            let took = if *phase == "forward" { *at - before } else { following - *at };
            before = *at;
            parts.entry((part, phase)).or_insert_with(|| vec![0.0; steps])[index] += took;
        }
    }
    for ((part, phase), mut times) in parts {
        println!("  {part:16} {phase:9} {:8.2}", median(&mut times));
    }
}

/// Sorts and takes the middle.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Processor time of the whole process in milliseconds.
#[cfg(target_os = "linux")]
pub(crate) fn processor_ms() -> f64 {
    #[repr(C)]
    struct Time {
        seconds: i64,
        nanoseconds: i64,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: i32, time: *mut Time) -> i32;
    }
    let mut time = Time { seconds: 0, nanoseconds: 0 };
    // SAFETY: the C library's function, clock 2 being the process's; `time` has the layout of `timespec` on 64-bit
    // Linux.
    unsafe { clock_gettime(2, &mut time) };
    time.seconds as f64 * 1e3 + time.nanoseconds as f64 / 1e6
}

/// Not measured here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn processor_ms() -> f64 {
    0.0
}
