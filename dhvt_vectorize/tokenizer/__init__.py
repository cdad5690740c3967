"""image → Partition: features, merge tree, criterion, cut. The only part of the package that uses torch."""
