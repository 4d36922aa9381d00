"""What programs cost on this device: measuring it, keeping it, finding it again."""
