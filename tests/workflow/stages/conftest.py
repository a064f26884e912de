from recordings import picker_weights

__all__ = ["picker_weights"]
