"""The names of the baselines, apart from the methods because those take a second to import."""

KMEANS, SPECTRAL = "kmeans", "spectral"
METHODS = (
    KMEANS,
    SPECTRAL,
    "autoencoder",
    "denoising_autoencoder",
    "sparse_autoencoder",
    "variational_autoencoder",
    "dec",
    "iic",
    "deepcluster",
    "dac",
)
