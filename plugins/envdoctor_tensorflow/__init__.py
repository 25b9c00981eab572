"""The TensorFlow backend of envdoctor: tf.function, tf.nn and the fused update kernels."""
