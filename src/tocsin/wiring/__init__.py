"""Parts put together for `app`: each file makes one thing of what the installation was told."""
