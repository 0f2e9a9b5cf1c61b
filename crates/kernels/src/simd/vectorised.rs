//! One source for several instruction sets.

/// Defines functions that the compiler builds for AVX-512, for AVX2 and for the target's baseline; each call takes the
/// best one that the machine has.
///
/// The body is plain Rust that vectorises. The compiler fuses no multiplication and addition by itself, so all of them
/// give the same bits.
macro_rules! vectorised {
    ($($(#[$attribute:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => {$(
        $(#[$attribute])*
        #[allow(clippy::too_many_arguments)]
        $visibility fn $name($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn portable($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn avx512($($argument: $type),*) $(-> $result)? {
                    portable($($argument),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($argument: $type),*) $(-> $result)? {
                    portable($($argument),*)
                }
                match $crate::simd::Level::detect() {
                    // SAFETY: the machine has these instructions, as just asked.
                    $crate::simd::Level::Avx512 => return unsafe { avx512($($argument),*) },
                    // SAFETY: the machine has these instructions, as just asked.
                    $crate::simd::Level::Avx2 => return unsafe { avx2($($argument),*) },
                    $crate::simd::Level::Portable => {}
                }
            }
            portable($($argument),*)
        }
    )*};
}

pub(crate) use vectorised;
