//! Textures like one picture (Li and Wand 2016, "Precomputed real-time texture synthesis with Markovian generative adversarial networks").
//!
//! The discriminator judges every patch of a picture by what an encoder, a network that was trained for something else, says of it: a texture is
//! right when none of its patches can be told from one of the style's. Two things learn against it. The pixels of a picture themselves, for each
//! texture anew; or a network that turns noise into texture of any size, once learnt, in a moment.
//!
//! Reading order: [`formula`] (textures that are computed), [`style`] (the picture to be like), [`encoder`], [`discriminator`], [`generator`] (the
//! network, and the picture), [`model`] (settings), [`game`] (training), [`texturer`] (a trained network in use), [`measure`], [`report`].

pub mod discriminator;
pub mod encoder;
pub mod formula;
pub mod game;
pub mod generator;
pub mod measure;
pub mod model;
pub mod report;
pub mod style;
pub mod texturer;
