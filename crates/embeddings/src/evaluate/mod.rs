//! What vectors are worth: word analogies and similarities, classification of nodes, prediction of links.
