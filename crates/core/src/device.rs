//! Devices by name: what `--device` accepts and what `devices` lists.
//!
//! Burn compiles only the backends its features ask for; this is the one place of the workspace that names them.

use std::panic::{self, AssertUnwindSafe};

pub use burn::tensor::Device;
use burn::tensor::{DeviceType, Tensor};

use crate::{Error, Result, cli::suggest};

/// A backend Ognivo can be built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Its name on the command line.
    pub name: &'static str,
    /// The Cargo feature that compiles it in.
    pub feature: &'static str,
    /// Whether it runs on the central processor.
    pub is_cpu: bool,
    /// Whether this build has it.
    pub compiled: bool,
    /// What it is and what it needs, in a line.
    pub about: &'static str,
}

macro_rules! backend {
    ($name:literal, $feature:literal, $is_cpu:literal, $about:literal) => {
        Backend { name: $name, feature: $feature, is_cpu: $is_cpu, compiled: cfg!(feature = $feature), about: $about }
    };
}

/// Every backend, the preferred first among processors and among GPUs.
pub const BACKENDS: [Backend; 9] = [
    backend!("flex", "flex", true, "pure Rust on the processor, with Ognivo's own kernels"),
    backend!("ndarray", "ndarray", true, "the older pure Rust backend"),
    backend!("tch", "tch", true, "LibTorch, which must be installed"),
    backend!("cubecl-cpu", "cpu", true, "CubeCL compiled for the processor through LLVM"),
    backend!("cuda", "cuda", false, "NVIDIA GPUs; needs the CUDA toolkit"),
    backend!("rocm", "rocm", false, "AMD GPUs; needs ROCm"),
    backend!("metal", "metal", false, "Apple GPUs"),
    backend!("vulkan", "vulkan", false, "any GPU with a Vulkan driver, SPIR-V shaders"),
    backend!("wgpu", "wgpu", false, "any GPU with a Vulkan, Metal or DirectX 12 driver, WGSL shaders"),
];

/// A device of a compiled backend.
#[derive(Clone, Debug)]
pub struct Found {
    /// The name `--device` takes, such as `cuda:1`.
    pub name: String,
    /// The backend's own description.
    pub description: String,
    /// `Err` with the reason when a small computation on it fails.
    pub usable: Result<(), String>,
}

/// The device called `name`.
///
/// `auto` is a GPU where a GPU backend is compiled in and a GPU is there, else the processor; `cpu` the default processor backend;
/// `gpu` the best GPU compiled in; else a backend of [`BACKENDS`], with an index where there are several: `cuda:1`.
///
/// # Errors
/// [`Error::Device`] when the name is unknown (with the nearest known one), not compiled in (with the feature that adds it), or
/// when there is no such device on this machine.
pub fn parse(name: &str) -> Result<Device> {
    let (backend, index) = match name.rsplit_once(':') {
        Some((backend, index)) => {
            let index = index.parse().map_err(|_| {
                Error::Device(format!("device '{name}': '{index}' is not a number; write for example {backend}:0"))
            })?;
            (backend, index)
        }
        None => (name, 0),
    };
    match backend {
        "auto" => best_gpu().map(Ok).unwrap_or_else(default_cpu),
        "cpu" => default_cpu(),
        "gpu" => best_gpu().ok_or_else(no_gpu),
        _ => {
            let known = BACKENDS.iter().find(|known| known.name == backend).ok_or_else(|| unknown(backend))?;
            if !known.compiled {
                return Err(Error::Device(format!(
                    "device '{name}' is not compiled in; build with `--features {}` ({})",
                    known.feature, known.about
                )));
            }
            let devices = enumerate(known.name);
            let count = devices.len();
            devices.into_iter().nth(index).ok_or_else(|| {
                Error::Device(format!("device '{name}': this machine has {count} usable through {backend}"))
            })
        }
    }
}

/// Every device of every compiled backend, each tried with a small computation.
pub fn list() -> Vec<Found> {
    let mut found = Vec::new();
    for backend in BACKENDS.iter().filter(|backend| backend.compiled) {
        let devices = enumerate(backend.name);
        let several = devices.len() > 1;
        for (index, device) in devices.into_iter().enumerate() {
            let name = if several { format!("{}:{index}", backend.name) } else { backend.name.to_string() };
            found.push(Found { name, description: format!("{device:?}"), usable: probe(&device) });
        }
    }
    found
}

/// Whether tensors on `device` live in this process's memory, so that reading one costs nothing.
pub fn is_host(device: &Device) -> bool {
    let text = format!("{device:?}").to_lowercase();
    text.contains("flex") || text.contains("ndarray")
}

/// Sets how many threads the processor backends and the kernels use; 0 means what `RAYON_NUM_THREADS` says, else one per core. The
/// first call decides.
///
/// Call it on the thread that trains. With two threads and more that thread is one of them: each operation then begins at once where
/// it is asked for instead of being handed over.
pub fn set_threads(threads: usize) {
    let named = || std::env::var("RAYON_NUM_THREADS").ok()?.parse().ok().filter(|&threads| threads > 0);
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if threads > 0 { threads } else { named().unwrap_or_else(cores) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    // Alone, this thread would have to do what others ask of the pool too, while it may be waiting for them.
    let pool = if threads > 1 { pool.use_current_thread() } else { pool };
    // A second call finds the pool built already; its size then stays, which is what "the first call decides" says.
    let _ = pool.build_global();
}

/// How many threads the processor backends and the kernels use.
pub fn threads() -> usize {
    rayon::current_num_threads()
}

fn default_cpu() -> Result<Device> {
    let compiled = BACKENDS.iter().filter(|backend| backend.is_cpu && backend.compiled);
    compiled.flat_map(|backend| enumerate(backend.name)).next().ok_or_else(|| {
        Error::Device(
            "this build has no processor backend; build with the default features or `--features flex`".into(),
        )
    })
}

fn best_gpu() -> Option<Device> {
    let compiled = BACKENDS.iter().filter(|backend| !backend.is_cpu && backend.compiled);
    compiled
        .flat_map(|backend| enumerate(backend.name))
        .find(|device| !is_software_adapter(device) && probe(device).is_ok())
}

/// A graphics driver that computes on the processor: usable by name, never chosen as a GPU.
fn is_software_adapter(device: &Device) -> bool {
    format!("{device:?}").contains("Cpu")
}

fn no_gpu() -> Error {
    let compiled: Vec<_> = BACKENDS.iter().filter(|b| !b.is_cpu && b.compiled).map(|b| b.name).collect();
    Error::Device(if compiled.is_empty() {
        "no GPU backend is compiled in; build with `--features cuda`, `rocm`, `metal`, `vulkan` or `wgpu`".into()
    } else {
        format!("no usable GPU was found through {}; `devices` shows what was tried", compiled.join(", "))
    })
}

fn unknown(name: &str) -> Error {
    let names: Vec<_> = ["auto", "cpu", "gpu"].into_iter().chain(BACKENDS.iter().map(|backend| backend.name)).collect();
    Error::Device(suggest::unknown("device", name, &names))
}

/// A small computation, so that a missing driver shows here and not in the middle of a run.
fn probe(device: &Device) -> Result<(), String> {
    let device = device.clone();
    let sum = quietly(move || {
        let ones = Tensor::<1>::ones([8], &device);
        (ones.clone() + ones).sum().into_scalar::<f32>()
    })?;
    if sum == 16.0 { Ok(()) } else { Err(format!("8 * (1 + 1) came out as {sum}")) }
}

/// The devices of one backend; none when its driver is missing.
fn enumerate(backend: &str) -> Vec<Device> {
    let filter = match backend {
        #[cfg(feature = "flex")]
        "flex" => DeviceType::Flex,
        #[cfg(feature = "ndarray")]
        "ndarray" => DeviceType::NdArray,
        #[cfg(feature = "tch")]
        "tch" => DeviceType::LibTorch,
        #[cfg(feature = "cpu")]
        "cubecl-cpu" => DeviceType::Cpu,
        #[cfg(feature = "cuda")]
        "cuda" => DeviceType::Cuda,
        #[cfg(feature = "rocm")]
        "rocm" => DeviceType::Rocm,
        #[cfg(feature = "metal")]
        "metal" => DeviceType::Metal,
        #[cfg(feature = "vulkan")]
        "vulkan" => DeviceType::Vulkan,
        #[cfg(feature = "wgpu")]
        "wgpu" => DeviceType::Wgpu,
        _ => return Vec::new(),
    };
    quietly(move || Device::enumerate(filter).into_vec()).unwrap_or_default()
}

/// Runs `work`; a panic of a driver becomes its message, without a report on standard error.
fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(hook);
    outcome.map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("the driver failed").to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_always_there() {
        let device = parse("cpu").unwrap();
        assert!(is_host(&device));
        assert_eq!(probe(&device), Ok(()));
        assert!(list().iter().any(|found| found.usable.is_ok()));
    }

    #[test]
    fn wrong_names_say_what_to_do() {
        let message = |name| parse(name).unwrap_err().to_string();
        assert!(message("flexx").contains("did you mean \"flex\""));
        assert!(message("flex:7").contains("has 1 usable"));
        assert!(message("cuda:x").contains("not a number"));
        if !cfg!(feature = "cuda") {
            assert!(message("cuda").contains("--features cuda"));
        }
    }
}
