// The tests start servers and measure them; two at a time would measure each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
