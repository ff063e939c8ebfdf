"""The names of the baselines: apart from the methods, whose libraries take a second to import."""

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
