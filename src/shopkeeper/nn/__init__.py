"""Networks: plain numbers in, tensors out. No settings objects, no ids of the shop."""
