using './main.bicep'

// A free hub for trying it: 8,000 messages of 0.5 KB a day, one such hub a subscription.
param sku = 'F1'
param checkpoints = 'file'
