"""What the engine costs on this machine, as ratios measured in one run, beside the disk's own floor."""
