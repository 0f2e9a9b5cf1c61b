//! Code for the instruction set of the processor: AVX-512, AVX2 with FMA, or what the compiler makes of portable code
//! (NEON among others), chosen when the program runs.
//!
//! Loops that the compiler vectorises by itself stand in [`vectorised!`]. Those that need registers, partial loads or
//! fused multiply-adds by name are a [`Kernel`], generic over [`Simd`].

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod level;
mod portable;
mod vector;
mod vectorised;

pub(crate) use level::Level;
#[cfg(feature = "flex")]
pub(crate) use vector::{Ahead, blocks};
pub(crate) use vector::{Kernel, Simd};
pub(crate) use vectorised::vectorised;
