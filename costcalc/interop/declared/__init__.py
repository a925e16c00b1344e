"""Networks that other tools declare in text: Darknet's .cfg and Caffe's .prototxt."""
