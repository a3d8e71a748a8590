"""What a run is taught by: a file each behind `trainer.methods.OBJECTIVES`."""
