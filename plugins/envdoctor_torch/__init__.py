"""The PyTorch backend of envdoctor: the same workloads, trained with torch.nn."""
