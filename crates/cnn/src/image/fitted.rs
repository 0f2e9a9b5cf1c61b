//! Pictures that are decoded and scaled once.

use std::sync::{Arc, OnceLock};

use ognivo_core::data::{Image, ImageSet};

use super::preprocess::Preprocessing;

/// The most bytes of fitted pictures that are kept.
const MOST: usize = 1 << 30;

/// A set whose pictures are brought to a network's channels and size when they are first asked for, and kept: for trainings that ask for the
/// same few again and again.
pub struct Fitted {
    set: Arc<dyn ImageSet>,
    preprocessing: Preprocessing,
    images: Vec<OnceLock<Image>>,
}

impl Fitted {
    /// `set` fitted; as it is where all of it would take more than 1 GiB.
    pub fn wrap(set: Arc<dyn ImageSet>, preprocessing: &Preprocessing) -> Arc<dyn ImageSet> {
        if preprocessing.values().saturating_mul(set.len()) > MOST {
            return set;
        }
        let images = (0..set.len()).map(|_| OnceLock::new()).collect();
        Arc::new(Self { set, preprocessing: preprocessing.clone(), images })
    }
}

impl ImageSet for Fitted {
    fn len(&self) -> usize {
        self.set.len()
    }

    fn label(&self, index: usize) -> usize {
        self.set.label(index)
    }

    fn image(&self, index: usize) -> ognivo_core::Result<Image> {
        let Some(cell) = self.images.get(index) else { return self.set.image(index) };
        if let Some(image) = cell.get() {
            return Ok(image.clone());
        }
        let image = self.preprocessing.fit(&self.set.image(index)?).map_err(ognivo_core::Error::from)?;
        Ok(cell.get_or_init(|| image).clone())
    }

    fn classes(&self) -> &[String] {
        self.set.classes()
    }

    fn origin(&self, index: usize) -> String {
        self.set.origin(index)
    }
}

#[cfg(test)]
mod tests {
    use ognivo_core::data::digits;

    use super::*;

    #[test]
    fn pictures_are_those_that_a_network_would_see() {
        let set = digits().unwrap().train;
        let preprocessing = Preprocessing::measure(&*set, Some([11, 13])).unwrap();
        let fitted = Fitted::wrap(set.clone(), &preprocessing);
        assert_eq!((fitted.len(), fitted.classes(), fitted.origin(3)), (set.len(), set.classes(), set.origin(3)));
        for index in [0, 7, 0] {
            let expected = preprocessing.fit(&set.image(index).unwrap()).unwrap();
            assert_eq!(fitted.image(index).unwrap(), expected);
            assert_eq!(preprocessing.fit(&fitted.image(index).unwrap()).unwrap(), expected);
            assert_eq!(fitted.label(index), set.label(index));
        }
        assert!(fitted.image(set.len()).is_err());
    }
}
